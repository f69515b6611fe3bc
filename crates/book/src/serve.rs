//! A server for writers and translators: builds again when a file changes, and lets the pages load themselves anew. It listens on this
//! machine only.
//!
//! Pages ask by mdBook's own script: it opens a WebSocket at [`LIVE_RELOAD`] and loads the page anew when it hears `reload`. While a
//! build fails, the last good pages stay, each with the mistake on top.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use notify_debouncer_full::notify::{EventKind, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, new_debouncer};
use pulldown_cmark_escape::escape_html_body_text;
use tokio::sync::broadcast;
use tower_http::services::ServeDir;

use crate::edition::{Edition, Options};
use crate::site::Site;

const LIVE_RELOAD: &str = "__livereload";

/// Ports tried after the one asked for, when that is taken.
const FURTHER_PORTS: u16 = 10;

/// Editors write a file in several steps; a build waits until they are done.
const QUIET: Duration = Duration::from_millis(150);

/// Serves `book/` on this machine until Ctrl-C. `rebuild` builds the editions with the given options, from files read anew; `say` shows a
/// line to whoever started the server. Port 0 takes a free one.
pub fn serve(
    site: &Site,
    port: u16,
    rebuild: impl Fn(&Options) -> Result<Vec<Edition>>,
    say: impl Fn(&str),
) -> Result<()> {
    let listener = bind(port, &say)?;
    let address = listener.local_addr()?;
    let (sender, changes) = mpsc::channel();
    let _watcher = watch(site, sender.clone())?;
    let state = Arc::new(Served::new(site.output_dir()));

    let options = Options {
        live_reload: Some(LIVE_RELOAD.to_owned()),
        ..Options::default()
    };
    let build = |changed: &[PathBuf]| {
        match rebuild(&options) {
            Ok(editions) => {
                let slowest = editions.iter().map(|edition| edition.elapsed).max().unwrap_or_default();
                let what = match changed {
                    [] => String::new(),
                    [path] => format!(" after a change of {}", path.display()),
                    [path, rest @ ..] => format!(" after changes of {} and {} more", path.display(), rest.len()),
                };
                say(&format!("built in {:.1} s{what}", slowest.as_secs_f64()));
                state.set_failure(None);
            }
            Err(error) => {
                let text = format!("{error:#}");
                say(&format!("{text}\nnot built: the pages are as they were"));
                state.set_failure(Some(text));
            }
        }
        // Nobody may be listening.
        let _ = state.reload.send(());
    };
    build(&[]);

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start the server")?;
    listener.set_nonblocking(true)?;
    let router = router(state.clone());
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, router).await
    });
    let stop = sender;
    runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            let _ = stop.send(Change::Stop);
        }
    });
    say(&format!("http://{address}/ shows the book; Ctrl-C ends it"));

    while let Ok(Change::Files(mut changed)) = changes.recv() {
        // What came in during the last build is built once.
        let mut stop = false;
        for more in changes.try_iter() {
            match more {
                Change::Files(more) => changed.extend(more),
                Change::Stop => stop = true,
            }
        }
        if stop {
            break;
        }
        changed.sort();
        changed.dedup();
        build(&changed);
    }
    // Pages hold their WebSockets open; there is nothing to finish for them.
    runtime.shutdown_background();
    Ok(())
}

fn bind(port: u16, say: &impl Fn(&str)) -> Result<TcpListener> {
    let last = if port == 0 {
        0
    } else {
        port.saturating_add(FURTHER_PORTS)
    };
    for candidate in port..=last {
        match TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, candidate))) {
            Ok(listener) => {
                if candidate != port {
                    say(&format!("port {port} is taken, so this is port {candidate}"));
                }
                return Ok(listener);
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot listen on port {candidate}"));
            }
        }
    }
    bail!("ports {port} to {last} are all taken: end what uses them, or choose another with --port")
}

enum Change {
    /// Relative to the root.
    Files(Vec<PathBuf>),
    Stop,
}

/// Watches what the book is made of. Watching ends when the result is dropped.
fn watch(site: &Site, sender: mpsc::Sender<Change>) -> Result<impl Drop + use<>> {
    const FILES: &[&str] = &["book.toml", "sources.toml"];
    let measured = site.root.join("target").join("measurements");
    // So that it can be watched before the first measurement.
    std::fs::create_dir_all(&measured).with_context(|| format!("cannot create {}", measured.display()))?;
    // Events name files by their real path, whatever links lead to them.
    let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
    let root = real(site.root.clone());
    let folders = [
        site.source_dir(),
        site.root.join("po"),
        site.root.join("theme"),
        site.root.join("examples"),
        site.root.join("measurements"),
        measured,
    ]
    .map(real);
    let (root_of_events, watched) = (root.clone(), folders.clone());
    let mut watcher = new_debouncer(QUIET, None, move |events: DebounceEventResult| {
        let changed: Vec<PathBuf> = events
            .unwrap_or_default()
            .iter()
            .filter(|event| !matches!(event.kind, EventKind::Access(_)))
            .flat_map(|event| &event.paths)
            .filter(|path| !is_temporary(path))
            .filter(|path| {
                watched.iter().any(|folder| path.starts_with(folder))
                    || FILES.iter().any(|file| **path == root_of_events.join(file))
            })
            .map(|path| path.strip_prefix(&root_of_events).unwrap_or(path).to_owned())
            .collect();
        if !changed.is_empty() {
            // The server is ending when nobody receives.
            let _ = sender.send(Change::Files(changed));
        }
    })
    .context("cannot watch files")?;
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        watcher
            .watch(folder, RecursiveMode::Recursive)
            .with_context(|| format!("cannot watch {}", folder.display()))?;
    }
    // Editors replace a file by another of the same name: only its folder hears of that.
    watcher
        .watch(&root, RecursiveMode::NonRecursive)
        .with_context(|| format!("cannot watch {}", site.root.display()))?;
    Ok(watcher)
}

/// Files that editors and interpreters leave for themselves.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.')
        || name.starts_with('#')
        || name.ends_with('~')
        || name.ends_with(".tmp")
        || name.ends_with(".pyc")
        || name == "__pycache__"
        // vim tries whether it may write by a file of this name.
        || name == "4913"
}

/// What the server knows.
struct Served {
    folder: PathBuf,
    /// Why the last build failed.
    failure: Mutex<Option<String>>,
    reload: broadcast::Sender<()>,
}

impl Served {
    fn new(folder: PathBuf) -> Served {
        Served {
            folder,
            failure: Mutex::new(None),
            reload: broadcast::Sender::new(1),
        }
    }

    fn set_failure(&self, failure: Option<String>) {
        *self.failure.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = failure;
    }

    fn failure(&self) -> Option<String> {
        self.failure
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone()
    }
}

fn router(served: Arc<Served>) -> Router {
    Router::new()
        .route(&format!("/{LIVE_RELOAD}"), get(live_reload))
        .fallback_service(ServeDir::new(&served.folder))
        .layer(middleware::from_fn_with_state(served.clone(), finish))
        .with_state(served)
}

async fn live_reload(State(served): State<Arc<Served>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|socket| tell(socket, served))
}

async fn tell(mut socket: WebSocket, served: Arc<Served>) {
    let mut reloads = served.reload.subscribe();
    loop {
        tokio::select! {
            reload = reloads.recv() => match reload {
                // To have missed some is to have to reload.
                Ok(()) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    if socket.send(Message::Text("reload".into())).await.is_err() {
                        return;
                    }
                }
                Err(broadcast::error::RecvError::Closed) => return,
            },
            // The page says nothing; this ends when it is closed.
            message = socket.recv() => {
                if !matches!(message, Some(Ok(_))) {
                    return;
                }
            }
        }
    }
}

/// Keeps browsers from showing what they stored, and puts the last failure on top of every page.
async fn finish(State(served): State<Arc<Served>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let Some(failure) = served.failure() else {
        return response;
    };
    if response.status() == StatusCode::NOT_FOUND {
        return (
            StatusCode::NOT_FOUND,
            Html(format!("<!DOCTYPE html><body>{}", banner(&failure))),
        )
            .into_response();
    }
    let is_page = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_page {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(page) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let page = String::from_utf8_lossy(&page).replacen("<body>", &format!("<body>{}", banner(&failure)), 1);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(page))
}

fn banner(failure: &str) -> String {
    let mut escaped = String::new();
    escape_html_body_text(&mut escaped, failure).expect("a string takes everything");
    format!(
        "<pre role=\"alert\" style=\"position:relative;z-index:1000;margin:0;padding:1em;white-space:pre-wrap;\
         background:#7a1020;color:#fff;font:14px/1.4 monospace\">{escaped}</pre>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    #[test]
    fn a_taken_port_gives_way_to_the_next() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let said = Mutex::new(Vec::new());
        let listener = bind(port, &|line: &str| said.lock().unwrap().push(line.to_owned())).unwrap();
        assert_ne!(listener.local_addr().unwrap().port(), port);
        assert!(listener.local_addr().unwrap().ip().is_loopback());
        assert!(said.lock().unwrap()[0].contains("is taken"));
    }

    #[test]
    fn editors_own_files_are_no_change() {
        for name in [".a.md.swp", "a.md~", "#a.md#", "4913", "x.pyc", "__pycache__"] {
            assert!(is_temporary(&Path::new("src").join(name)), "{name}");
        }
        assert!(!is_temporary(Path::new("src/a.md")));
    }

    fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn a_failed_build_leaves_the_pages_and_says_so_on_top() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("index.html"), "<html><body>good</body></html>").unwrap();
        std::fs::write(folder.path().join("a.css"), "body{}").unwrap();
        let served = Arc::new(Served::new(folder.path().to_owned()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let router = router(served.clone());
        runtime.spawn(async move { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await });

        let good = get(address, "/");
        assert!(good.contains("<body>good") && good.contains("no-store"), "{good}");
        served.set_failure(Some("src/a.md:3: <wrong>".to_owned()));
        let failed = get(address, "/index.html");
        assert!(failed.contains("src/a.md:3: &lt;wrong&gt;</pre>good"), "{failed}");
        assert!(get(address, "/a.css").ends_with("body{}"));
        assert!(get(address, "/none.html").contains("src/a.md:3"));
        served.set_failure(None);
        assert!(get(address, "/").contains("<body>good"));
        assert!(get(address, "/%2e%2e/%2e%2e/etc/passwd").starts_with("HTTP/1.1 4"));
        runtime.shutdown_background();
    }

    /// One round through watcher, build and WebSocket, as a writer's browser sees it.
    #[test]
    fn a_changed_file_is_built_and_the_page_told() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["src", "po", "book"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        std::fs::write(
            root.path().join("book.toml"),
            "[book]\nlanguage = \"en\"\n[preprocessor.measurements]\nreference-machine = \"m\"\n",
        )
        .unwrap();
        std::fs::write(
            root.path().join("po/languages.toml"),
            "[[language]]\ncode = \"en\"\nname = \"English\"\ndecimal = \".\"\nthousands = \",\"\nsource = true\n",
        )
        .unwrap();
        let site = Site::open(root.path()).unwrap();
        let (sender, changes) = mpsc::channel();
        let watcher = watch(&site, sender).unwrap();
        std::fs::write(site.root.join("src/.a.md.swp"), "x").unwrap();
        std::fs::write(site.root.join("src/a.md"), "x").unwrap();
        let changed = changes.recv_timeout(Duration::from_secs(10)).unwrap();
        let Change::Files(files) = changed else {
            panic!("nobody stopped it");
        };
        assert!(files.iter().all(|file| file == Path::new("src/a.md")), "{files:?}");
        std::fs::read_to_string(site.root.join("src/a.md")).unwrap();
        std::fs::write(site.root.join("book/index.html"), "x").unwrap();
        assert!(
            changes.recv_timeout(Duration::from_millis(600)).is_err(),
            "reading or building is no change"
        );
        drop(watcher);
    }
}
