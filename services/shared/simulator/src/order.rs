//! Commands of all services in one type, so that callers need not know whom they talk to.

use std::sync::Arc;

use chassis_core::{Core, aside};
use directory_core::Directory;
use dispatch_core::Dispatch;
use follow_up_core::FollowUp;
use intake_core::Intake;
use notify_core::Notify;
use proto::{Service, Shard};
use reporting_core::Reporting;
use sla_watchdog_core::Watchdog;

/// What somebody asks of one of the services.
#[derive(Clone)]
pub enum Order {
    Intake(Arc<intake_core::Command>),
    Dispatch(Arc<dispatch_core::Command>),
    Watchdog(Arc<sla_watchdog_core::Command>),
    FollowUp(Arc<follow_up_core::Command>),
    Notify(Arc<notify_core::Command>),
    Directory(Arc<directory_core::Command>),
    /// About what is in quarantine at a service.
    Quarantine(Service, aside::Order),
}

impl Order {
    pub fn service(&self) -> Service {
        match self {
            Order::Intake(_) => Service::Intake,
            Order::Dispatch(_) => Service::Dispatch,
            Order::Watchdog(_) => Service::SlaWatchdog,
            Order::FollowUp(_) => Service::FollowUp,
            Order::Notify(_) => Service::Notify,
            Order::Directory(_) => Service::Directory,
            Order::Quarantine(service, _) => *service,
        }
    }

    /// The home that decides it.
    pub fn home(&self) -> Shard {
        match self {
            Order::Intake(command) => command.home(),
            Order::Dispatch(command) => command.ticket().shard(),
            Order::Watchdog(command) => command.ticket().shard(),
            Order::FollowUp(command) => command.ticket().shard(),
            Order::Notify(command) => {
                let notify_core::Command::Report(report) = &**command;
                report.notice.shard()
            }
            Order::Directory(_) => directory_core::home(),
            Order::Quarantine(_, order) => order.id.shard(),
        }
    }
}

/// A core that finds its own commands among all of them.
pub trait Takes: Core {
    fn take(order: &Order) -> Option<Arc<Self::Command>>;
}

macro_rules! takes {
    ($core:ty, $order:ident) => {
        impl Takes for $core {
            fn take(order: &Order) -> Option<Arc<Self::Command>> {
                match order {
                    Order::$order(command) => Some(command.clone()),
                    _ => None,
                }
            }
        }
    };
}

takes!(Intake, Intake);
takes!(Dispatch, Dispatch);
takes!(Watchdog, Watchdog);
takes!(FollowUp, FollowUp);
takes!(Notify, Notify);
takes!(Directory, Directory);

impl Takes for Reporting {
    /// Documents are made at the end, by the checks themselves.
    fn take(_order: &Order) -> Option<Arc<Self::Command>> {
        None
    }
}

impl<C: Takes> Takes for crate::spy::Spied<C> {
    fn take(order: &Order) -> Option<Arc<Self::Command>> {
        C::take(order)
    }
}
