//! tokio on the same work: one thread, as the others have.
//!
//!   tokio-peer receive --listen PATH [--connections N]
//!   tokio-peer echo    --listen PATH
//!   tokio-peer ping    --connect PATH --bytes B --rounds N
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

const BUFFER_BYTES: usize = 65_536;

fn option(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.next();
    arguments.next()
}

fn number(name: &str, otherwise: u64) -> u64 {
    option(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Time of this thread on a processor, from /proc: it is the only one.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds: f64 = text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
    nanoseconds / 1e9
}

fn row(command: &str, frames: u64, bytes: u64, start: Instant, cpu: f64) -> String {
    let seconds = start.elapsed().as_secs_f64();
    format!(
        "{{\"command\":\"{command}\",\"engine\":\"tokio\",\"frames\":{frames},\"bytes\":{bytes},\
         \"seconds\":{seconds:.6},\"frames_per_second\":{:.3},\"bytes_per_second\":{:.3},\
         \"cpu_seconds\":{:.6}",
        frames as f64 / seconds,
        bytes as f64 / seconds,
        cpu_seconds() - cpu
    )
}

/// Lines by `read_until` into one buffer that is used again: tokio's fastest way without a codec.
async fn count(stream: UnixStream, frames: Rc<Cell<u64>>, bytes: Rc<Cell<u64>>) {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                frames.set(frames.get() + 1);
                bytes.set(bytes.get() + count as u64);
            }
        }
    }
}

async fn receive(path: &str, connections: u64) {
    let listener = UnixListener::bind(path).expect("listen");
    let (frames, bytes) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let mut tasks = Vec::new();
    let mut begin = (Instant::now(), cpu_seconds());
    for _ in 0..connections {
        let (stream, _) = listener.accept().await.expect("accept");
        begin = (Instant::now(), cpu_seconds());
        tasks.push(tokio::task::spawn_local(count(stream, frames.clone(), bytes.clone())));
    }
    for task in tasks {
        task.await.expect("a connection");
    }
    println!("{}}}", row("receive", frames.get(), bytes.get(), begin.0, begin.1));
}

async fn echo(path: &str) {
    let listener = UnixListener::bind(path).expect("listen");
    loop {
        let (stream, _) = listener.accept().await.expect("accept");
        tokio::task::spawn_local(async move {
            let (input, mut output) = stream.into_split();
            let mut reader = BufReader::with_capacity(BUFFER_BYTES, input);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line).await, Ok(count) if count > 0) {
                if output.write_all(&line).await.is_err() {
                    return;
                }
                line.clear();
            }
        });
    }
}

async fn ping(path: &str, bytes: usize, rounds: usize) {
    let mut stream = UnixStream::connect(path).await;
    for _ in 0..100 {
        if stream.is_ok() {
            break;
        }
        tokio::task::yield_now().await;
        std::thread::sleep(Duration::from_millis(10));
        stream = UnixStream::connect(path).await;
    }
    let mut stream = stream.expect("connect");
    let mut line = vec![b'x'; bytes];
    line[bytes - 1] = b'\n';
    let mut answer = vec![0; bytes];
    let mut times = Vec::with_capacity(rounds);
    let warm = std::cmp::min(1000, rounds / 10);
    let mut begin = (Instant::now(), cpu_seconds());
    for round in 0..rounds + warm {
        if round == warm {
            begin = (Instant::now(), cpu_seconds());
        }
        let start = Instant::now();
        stream.write_all(&line).await.expect("write");
        stream.read_exact(&mut answer).await.expect("read");
        if round >= warm {
            times.push(start.elapsed().as_nanos() as f64 / 1e3);
        }
    }
    let row = row("ping", rounds as u64, (rounds * bytes) as u64, begin.0, begin.1);
    times.sort_by(|one, other| one.partial_cmp(other).expect("times"));
    println!(
        "{row},\"p50_us\":{:.3},\"p99_us\":{:.3},\"p999_us\":{:.3},\"max_us\":{:.3}}}",
        times[rounds / 2], times[rounds * 99 / 100], times[rounds * 999 / 1000], times[rounds - 1]
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let command = std::env::args().nth(1).unwrap_or_default();
    let path = option("--listen").or_else(|| option("--connect")).expect("--listen or --connect");
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            match command.as_str() {
                "receive" => receive(&path, number("--connections", 1)).await,
                "echo" => echo(&path).await,
                "ping" => {
                    let (bytes, rounds) = (number("--bytes", 256), number("--rounds", 100_000));
                    ping(&path, bytes as usize, rounds as usize).await
                }
                _ => std::process::exit(64),
            }
        })
        .await;
}
