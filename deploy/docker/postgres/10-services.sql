-- One role and one schema per service, run once on an empty database by the image's entry point. A role owns its schema
-- and sees no other. It may create schemas because `create schema if not exists`, which each service runs at its start,
-- asks for that right even when the schema is there.

\set ON_ERROR_STOP on
revoke all on schema public from public;
revoke all on database :DBNAME from public;

\getenv intake_password INTAKE_PASSWORD
create role hotline_intake login password :'intake_password';
grant connect, create on database :DBNAME to hotline_intake;
create schema intake authorization hotline_intake;

\getenv dispatch_password DISPATCH_PASSWORD
create role hotline_dispatch login password :'dispatch_password';
grant connect, create on database :DBNAME to hotline_dispatch;
create schema dispatch authorization hotline_dispatch;

\getenv sla_watchdog_password SLA_WATCHDOG_PASSWORD
create role hotline_sla_watchdog login password :'sla_watchdog_password';
grant connect, create on database :DBNAME to hotline_sla_watchdog;
create schema sla_watchdog authorization hotline_sla_watchdog;

\getenv follow_up_password FOLLOW_UP_PASSWORD
create role hotline_follow_up login password :'follow_up_password';
grant connect, create on database :DBNAME to hotline_follow_up;
create schema follow_up authorization hotline_follow_up;

\getenv reporting_password REPORTING_PASSWORD
create role hotline_reporting login password :'reporting_password';
grant connect, create on database :DBNAME to hotline_reporting;
create schema reporting authorization hotline_reporting;

\getenv notify_password NOTIFY_PASSWORD
create role hotline_notify login password :'notify_password';
grant connect, create on database :DBNAME to hotline_notify;
create schema notify authorization hotline_notify;

\getenv directory_password DIRECTORY_PASSWORD
create role hotline_directory login password :'directory_password';
grant connect, create on database :DBNAME to hotline_directory;
create schema directory authorization hotline_directory;
