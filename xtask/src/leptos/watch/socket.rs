//! The reload socket: the pages that are open, and what they are told.
//!
//! A page connects when it is loaded, and again every second while it cannot. Knows nothing of builds.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::frames::{self, Incoming};
use crate::exit::{Exit, Failure};

/// How long a page may take for its handshake, and to take what it is told.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long after it was rendered a page may connect.
const LOADING: Duration = Duration::from_secs(5);
/// More pages than anybody has open.
const PAGES_MAX: usize = 64;

/// What a page is told; Leptos' script reads these three keys.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Message {
    /// The style sheet whose link is to be loaded anew.
    css: Option<String>,
    /// Patches of the view, which we never send.
    view: Option<String>,
    /// Load the whole page anew.
    all: bool,
}

impl Message {
    pub fn all() -> Message {
        Message { css: None, view: None, all: true }
    }

    /// The path of the sheet without a leading slash, e.g. `pkg/app.css`.
    pub fn css(sheet: &str) -> Message {
        Message { css: Some(sheet.to_owned()), view: None, all: false }
    }
}

/// Listens for pages until the process ends.
pub struct Socket {
    address: SocketAddr,
    pages: Arc<Mutex<Pages>>,
}

#[derive(Default)]
struct Pages {
    open: Vec<Page>,
    next: u64,
    /// The names that the style sheet had, with the time when it got another one; the last one it still has.
    sheets: Vec<(String, Option<Instant>)>,
    /// Taken down: nobody may connect any more.
    is_closed: bool,
}

struct Page {
    id: u64,
    stream: TcpStream,
    /// The names that the style sheet may have in this page.
    sheets: Vec<String>,
}

impl Socket {
    /// Binds the address and waits for pages in threads of its own.
    pub fn open(address: SocketAddr) -> anyhow::Result<Socket> {
        let listener = TcpListener::bind(address).map_err(|error| {
            let message = format!("the reload socket cannot listen on {address}: {error}");
            let hint = "stop what uses the port (another `watch`?), or choose another with `reload-port` in the \
                        Leptos metadata or LEPTOS_RELOAD_PORT";
            Failure::new(Exit::CommandFailed, message).hint(hint)
        })?;
        // Port 0 means any that is free.
        let address = listener.local_addr()?;
        let pages: Arc<Mutex<Pages>> = Arc::default();
        let accepted = Arc::clone(&pages);
        thread::Builder::new().name("reload socket".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                if lock(&accepted).is_closed {
                    return;
                }
                let pages = Arc::clone(&accepted);
                if let Ok(stream) = stream {
                    // A page that no thread could be had for connects again in a second.
                    let _ =
                        thread::Builder::new().name("page".to_owned()).spawn(move || serve(stream, &pages));
                }
            }
        })?;
        Ok(Socket { address, pages })
    }

    #[cfg(test)]
    fn address(&self) -> SocketAddr {
        self.address
    }

    /// The name of the style sheet from now on: its path in the site.
    pub fn set_sheet(&self, sheet: &str) {
        let mut pages = lock(&self.pages);
        let now = Instant::now();
        pages.sheets.retain(|(name, until)| name != sheet && is_recent(*until));
        for (_, until) in &mut pages.sheets {
            until.get_or_insert(now);
        }
        pages.sheets.push((sheet.to_owned(), None));
    }

    /// The names that the style sheet may have in pages that are open.
    pub fn sheets(&self) -> Vec<String> {
        let pages = lock(&self.pages);
        let mut names: Vec<String> = pages.open.iter().flat_map(|page| page.sheets.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Tells every page to load itself anew. How many there were.
    pub fn reload(&self) -> usize {
        // Those that connect from now on were rendered with the name of now.
        lock(&self.pages).sheets.retain(|(_, until)| until.is_none());
        tell(&self.pages, |_| vec![Message::all()])
    }

    /// Tells every page to load its style sheet anew, by the name that it knows. How many there were.
    pub fn restyle(&self) -> usize {
        tell(&self.pages, |page| page.sheets.iter().map(|sheet| Message::css(sheet)).collect())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        lock(&self.pages).is_closed = true;
        // The thread waits for a page; this is the last one.
        let _ = TcpStream::connect_timeout(&self.address, PATIENCE);
        for page in lock(&self.pages).open.drain(..) {
            let _ = page.stream.shutdown(Shutdown::Both);
        }
    }
}

fn tell(pages: &Mutex<Pages>, messages: impl Fn(&Page) -> Vec<Message>) -> usize {
    let mut pages = lock(pages);
    pages.open.retain_mut(|page| {
        let texts = messages(page).into_iter().map(|message| serde_json::to_string(&message));
        let sent = texts.flatten().try_for_each(|text| page.stream.write_all(&frames::text(&text)));
        if sent.is_err() {
            let _ = page.stream.shutdown(Shutdown::Both);
        }
        sent.is_ok()
    });
    pages.open.len()
}

/// One connection from its handshake to its end.
fn serve(mut stream: TcpStream, pages: &Mutex<Pages>) {
    let patience = stream.set_read_timeout(Some(PATIENCE)).and(stream.set_write_timeout(Some(PATIENCE)));
    let Ok(head) = patience.and_then(|()| frames::read_head(&mut stream)) else { return };
    let answer = frames::answer(&head);
    let text = answer.as_ref().unwrap_or_else(|refusal| refusal);
    if stream.write_all(text.as_bytes()).is_err() || answer.is_err() {
        return;
    }
    // A page that is open all day says nothing all day.
    if stream.set_read_timeout(None).is_err() {
        return;
    }
    let Some(id) = enter(&stream, pages) else { return };
    loop {
        let reply = match frames::read(&mut stream) {
            Ok(Incoming::Other) => continue,
            Ok(Incoming::Ping(payload)) => frames::pong(&payload),
            Ok(Incoming::Close) => frames::close(),
            Err(_) => break,
        };
        // Not between the parts of what the page is being told.
        let _pages = lock(pages);
        if stream.write_all(&reply).is_err() || reply == frames::close() {
            break;
        }
    }
    lock(pages).open.retain(|page| page.id != id);
    let _ = stream.shutdown(Shutdown::Both);
}

fn enter(stream: &TcpStream, pages: &Mutex<Pages>) -> Option<u64> {
    let stream = stream.try_clone().ok()?;
    let mut pages = lock(pages);
    if pages.open.len() >= PAGES_MAX || pages.is_closed {
        return None;
    }
    pages.next += 1;
    let sheets = pages.sheets.iter().filter(|(_, until)| is_recent(*until)).map(|(name, _)| name.clone());
    let page = Page { id: pages.next, stream, sheets: sheets.collect() };
    let id = page.id;
    pages.open.push(page);
    Some(id)
}

/// Whether a page that connects now may have been rendered before.
fn is_recent(until: Option<Instant>) -> bool {
    until.is_none_or(|until| until.elapsed() < LOADING)
}

fn lock(pages: &Mutex<Pages>) -> MutexGuard<'_, Pages> {
    pages.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    const HANDSHAKE: &str = "GET /live_reload HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                             sec-websocket-version: 13\r\nsec-websocket-key: x\r\n\r\n";

    fn socket() -> Socket {
        Socket::open(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap()
    }

    fn page(socket: &Socket, expected: usize) -> TcpStream {
        let mut stream = TcpStream::connect(socket.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(HANDSHAKE.as_bytes()).unwrap();
        assert!(frames::read_head(&mut stream).unwrap().starts_with("HTTP/1.1 101 "));
        wait(socket, expected);
        stream
    }

    fn wait(socket: &Socket, pages: usize) {
        let began = Instant::now();
        while lock(&socket.pages).open.len() != pages {
            assert!(began.elapsed() < PATIENCE, "never {pages} pages");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn told(stream: &mut TcpStream) -> String {
        let mut start = [0; 2];
        stream.read_exact(&mut start).unwrap();
        assert_eq!(start[0], 0x81);
        let mut text = vec![0; usize::from(start[1])];
        stream.read_exact(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn every_open_page_is_told() {
        let socket = socket();
        assert_eq!(socket.reload(), 0);
        let (mut first, mut second) = (page(&socket, 1), page(&socket, 2));
        assert_eq!(socket.reload(), 2);
        for page in [&mut first, &mut second] {
            assert_eq!(told(page), r#"{"css":null,"view":null,"all":true}"#);
        }
        drop(first);
        wait(&socket, 1);
        assert_eq!(socket.reload(), 1);
        assert_eq!(told(&mut second), r#"{"css":null,"view":null,"all":true}"#);
    }

    #[test]
    fn each_page_is_told_the_name_that_it_knows() {
        let socket = socket();
        socket.set_sheet("pkg/app.old.css");
        let mut first = page(&socket, 1);
        socket.set_sheet("pkg/app.new.css");
        let mut second = page(&socket, 2);
        assert_eq!(socket.sheets(), ["pkg/app.new.css", "pkg/app.old.css"]);
        assert_eq!(socket.restyle(), 2);
        let old = r#"{"css":"pkg/app.old.css","view":null,"all":false}"#;
        assert_eq!(told(&mut first), old);
        // Rendered before or after the name changed? Nobody knows.
        assert_eq!([told(&mut second), told(&mut second)], [old, &old.replace("old", "new")]);

        let expired = Instant::now().checked_sub(2 * LOADING).unwrap();
        lock(&socket.pages).sheets[0].1 = Some(expired);
        let mut third = page(&socket, 3);
        socket.restyle();
        assert_eq!(told(&mut third), old.replace("old", "new"));
        socket.set_sheet("pkg/app.old.css");
        let names: Vec<_> = lock(&socket.pages).sheets.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, ["pkg/app.new.css", "pkg/app.old.css"]);
    }

    #[test]
    fn a_page_may_say_goodbye_and_ask_whether_we_are_there() {
        let socket = socket();
        let mut stream = page(&socket, 1);
        stream.write_all(&[0x89, 0x81, 0, 0, 0, 0, b'?']).unwrap();
        let mut pong = [0; 3];
        stream.read_exact(&mut pong).unwrap();
        assert_eq!(pong, [0x8a, 1, b'?']);
        stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, frames::close());
        wait(&socket, 0);
    }

    #[test]
    fn what_is_no_page_is_refused() {
        let socket = socket();
        let mut stream = TcpStream::connect(socket.address()).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        assert_eq!(socket.reload(), 0);
    }

    #[test]
    fn the_port_is_free_again_afterwards() {
        let socket = socket();
        let address = socket.address();
        let mut stream = page(&socket, 1);
        Socket::open(address).err().expect("the port is taken");
        drop(socket);
        assert_eq!(stream.read(&mut [0]).unwrap_or_default(), 0);
        let began = Instant::now();
        while Socket::open(address).is_err() {
            assert!(began.elapsed() < PATIENCE, "the port stays taken");
            thread::sleep(Duration::from_millis(5));
        }
    }
}
