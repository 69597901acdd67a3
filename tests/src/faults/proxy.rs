//! A line between two of ours with weather on it: latency, partitions, connections that die without a word, resets.
//!
//! A cut line holds everything back and loses nothing, as TCP over a broken network does: what was sent arrives when it
//! heals. A dead connection stays dead though the line is fine, as behind a router that forgot it; nobody is told.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

const CHUNK: usize = 64 << 10;
const CONNECT: Duration = Duration::from_secs(2);

/// How a line is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Clear,
    /// Each chunk comes so much later.
    Slow(Duration),
    /// Nothing passes; new connections seem to open and nothing comes of them.
    Cut,
}

#[derive(Clone, Copy, Debug)]
struct State {
    weather: Weather,
    /// Connections with a lower number are dead: nothing passes any more, nobody is told.
    dead_below: u64,
    /// Connections with a lower number are reset.
    reset_below: u64,
}

/// One line. Dropping it closes it.
pub struct Line {
    name: String,
    address: SocketAddr,
    to: Arc<RwLock<Vec<SocketAddr>>>,
    state: watch::Sender<State>,
    connections: Arc<AtomicU64>,
    listening: JoinHandle<()>,
}

impl Line {
    /// Opens a line to any of these places: the first that takes the connection, in turn.
    pub async fn open(name: impl Into<String>, to: Vec<SocketAddr>) -> std::io::Result<Line> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (state, seen) = watch::channel(State { weather: Weather::Clear, dead_below: 0, reset_below: 0 });
        let connections = Arc::new(AtomicU64::new(0));
        let to = Arc::new(RwLock::new(to));
        let listening = tokio::spawn(listen(listener, to.clone(), connections.clone(), seen));
        Ok(Line { name: name.into(), address, to, state, connections, listening })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Another place is reached over this line from now on, as when an address moves; who was connected is reset.
    pub fn lead(&self, to: SocketAddr) {
        *self.to.write().unwrap_or_else(PoisonError::into_inner) = vec![to];
        self.reset();
    }

    pub fn set(&self, weather: Weather) {
        self.state.send_modify(|state| state.weather = weather);
    }

    /// The connections of now go silent for ever; new ones work.
    pub fn let_die(&self) {
        let now = self.connections.load(Ordering::SeqCst);
        self.state.send_modify(|state| state.dead_below = now);
    }

    /// What died is taken away at last: both sides are told.
    pub fn bury(&self) {
        self.state.send_modify(|state| state.reset_below = state.dead_below.max(state.reset_below));
    }

    /// The connections of now are reset; new ones work.
    pub fn reset(&self) {
        let now = self.connections.load(Ordering::SeqCst);
        self.state.send_modify(|state| state.reset_below = now);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.listening.abort();
        self.reset();
    }
}

async fn listen(
    listener: TcpListener,
    to: Arc<RwLock<Vec<SocketAddr>>>,
    connections: Arc<AtomicU64>,
    seen: watch::Receiver<State>,
) {
    loop {
        // Out of descriptors, say: the next one may be taken.
        let Ok((near, _)) = listener.accept().await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let number = connections.fetch_add(1, Ordering::SeqCst);
        let to = to.read().unwrap_or_else(PoisonError::into_inner).clone();
        tokio::spawn(connection(near, to, number, seen.clone()));
    }
}

/// One connection, until a side ends it or it is reset.
async fn connection(mut near: TcpStream, to: Vec<SocketAddr>, number: u64, seen: watch::Receiver<State>) {
    let _ = near.set_nodelay(true);
    let opening = async {
        passable(seen.clone(), number).await;
        reach(&to, number).await
    };
    let far = tokio::select! {
        far = opening => far,
        () = was_reset(seen.clone(), number) => None,
    };
    // A refusal is passed on as what it is.
    let Some(mut far) = far else {
        let _ = near.set_zero_linger();
        return;
    };
    let _ = far.set_nodelay(true);
    let ended = {
        let (near_in, near_out) = near.split();
        let (far_in, far_out) = far.split();
        let there = pass(near_in, far_out, seen.clone(), number);
        let back = pass(far_in, near_out, seen.clone(), number);
        tokio::select! {
            ended = async { tokio::try_join!(there, back) } => ended.is_ok(),
            () = was_reset(seen.clone(), number) => false,
        }
    };
    if !ended {
        // Closing without lingering is how a reset is sent.
        let _ = near.set_zero_linger();
        let _ = far.set_zero_linger();
    }
}

async fn reach(to: &[SocketAddr], number: u64) -> Option<TcpStream> {
    for step in 0..to.len() {
        let place = to[(number as usize + step) % to.len()];
        if let Ok(Ok(stream)) = timeout(CONNECT, TcpStream::connect(place)).await {
            return Some(stream);
        }
    }
    None
}

/// One direction. Its end is passed on, so that half-closed connections stay what they are.
async fn pass(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    seen: watch::Receiver<State>,
    number: u64,
) -> std::io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await?;
        passable(seen.clone(), number).await;
        let weather = seen.borrow().weather;
        if let Weather::Slow(by) = weather {
            sleep(by).await;
            passable(seen.clone(), number).await;
        }
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&chunk[..read]).await?;
    }
}

/// Until something may pass here; never, for a connection that is dead.
async fn passable(mut seen: watch::Receiver<State>, number: u64) {
    let may = |state: &State| state.weather != Weather::Cut && number >= state.dead_below;
    if seen.wait_for(may).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn was_reset(mut seen: watch::Receiver<State>, number: u64) {
    // A line that is gone has reset its connections before.
    let _ = seen.wait_for(|state| number < state.reset_below).await;
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// A server that says everything back; the line to it.
    async fn echo() -> Line {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mut from, mut to) = stream.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
            }
        });
        Line::open("test", vec![address]).await.unwrap()
    }

    async fn said_back(stream: &mut TcpStream, word: &[u8; 4]) -> std::io::Result<()> {
        stream.write_all(word).await?;
        let mut heard = [0; 4];
        stream.read_exact(&mut heard).await?;
        assert_eq!(&heard, word);
        Ok(())
    }

    const MOMENT: Duration = Duration::from_millis(150);

    #[tokio::test]
    async fn a_clear_line_passes_everything_and_the_end_too() {
        let line = echo().await;
        let mut stream = TcpStream::connect(line.address()).await.unwrap();
        let sent = vec![7_u8; 1 << 20];
        let (mut from, mut to) = stream.split();
        let mut heard = Vec::new();
        let (_, read) = tokio::join!(
            async {
                to.write_all(&sent).await.unwrap();
                to.shutdown().await.unwrap();
            },
            from.read_to_end(&mut heard)
        );
        assert_eq!(read.unwrap(), sent.len());
        assert_eq!(heard, sent);
    }

    #[tokio::test]
    async fn a_slow_line_takes_its_time_both_ways() {
        let line = echo().await;
        let mut stream = TcpStream::connect(line.address()).await.unwrap();
        line.set(Weather::Slow(Duration::from_millis(60)));
        let began = Instant::now();
        said_back(&mut stream, b"slow").await.unwrap();
        assert!(began.elapsed() >= Duration::from_millis(120), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_cut_line_holds_back_and_loses_nothing() {
        let line = echo().await;
        let mut old = TcpStream::connect(line.address()).await.unwrap();
        said_back(&mut old, b"well").await.unwrap();
        line.set(Weather::Cut);
        let mut new = TcpStream::connect(line.address()).await.unwrap();
        assert!(timeout(MOMENT, said_back(&mut new, b"anew")).await.is_err(), "a cut line passes nothing");
        old.write_all(b"held").await.unwrap();
        let mut heard = [0; 4];
        assert!(timeout(MOMENT, old.read_exact(&mut heard)).await.is_err());
        line.set(Weather::Clear);
        timeout(CONNECT, old.read_exact(&mut heard)).await.expect("it arrives when the line heals").unwrap();
        assert_eq!(&heard, b"held");
    }

    #[tokio::test]
    async fn a_dead_connection_stays_dead_and_a_new_one_lives() {
        let line = echo().await;
        let mut old = TcpStream::connect(line.address()).await.unwrap();
        said_back(&mut old, b"well").await.unwrap();
        line.let_die();
        assert!(timeout(MOMENT, said_back(&mut old, b"gone")).await.is_err(), "neither answer nor error");
        let mut new = TcpStream::connect(line.address()).await.unwrap();
        said_back(&mut new, b"anew").await.unwrap();
        line.bury();
        assert!(timeout(CONNECT, old.read_u8()).await.expect("it is told").is_err());
        said_back(&mut new, b"well").await.unwrap();
    }

    #[tokio::test]
    async fn a_reset_is_felt_at_once_and_a_new_connection_lives() {
        let line = echo().await;
        let mut old = TcpStream::connect(line.address()).await.unwrap();
        said_back(&mut old, b"well").await.unwrap();
        line.reset();
        let felt = timeout(CONNECT, old.read_u8()).await.expect("the reset is felt");
        assert!(felt.is_err());
        said_back(&mut TcpStream::connect(line.address()).await.unwrap(), b"anew").await.unwrap();
    }

    #[tokio::test]
    async fn one_of_two_places_is_enough() {
        let alive = echo().await;
        let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
        let line = Line::open("door", vec![gone, alive.address()]).await.unwrap();
        for _ in 0..3 {
            said_back(&mut TcpStream::connect(line.address()).await.unwrap(), b"open").await.unwrap();
        }
    }
}
