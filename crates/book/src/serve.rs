//! A server for writers and translators: builds again when a file changes, and lets the pages load themselves anew. It listens on this
//! machine only.
//!
//! Pages ask by mdBook's own script: it opens a WebSocket at [`LIVE_RELOAD`] and loads the page anew when it hears `reload`. While a
//! build fails, the last good pages stay, each with the mistake on top.
//!
//! A catalog changes no page but those of its own edition, so only that is built after a change of it. For translators the pages tell
//! their messages' entries: see [`translator`].

mod translator;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path as AddressPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use measure::library::Library;
use notify_debouncer_full::notify::{EventKind, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, new_debouncer};
use pulldown_cmark_escape::escape_html_body_text;
use tokio::sync::broadcast;
use tower_http::services::ServeDir;

use crate::catalog::{self, Catalog, Dictionaries};
use crate::diagnostic::Diagnostics;
use crate::edition::{self, Edition, Options};
use crate::site::{Language, Site};
use crate::translations::SharedTexts;
use translator::Desk;

const LIVE_RELOAD: &str = "__livereload";

/// Ports tried after the one asked for, when that is taken.
const FURTHER_PORTS: u16 = 10;

/// Editors write a file in several steps; a build waits until they are done.
const QUIET: Duration = Duration::from_millis(150);

/// What is served, and to whom.
pub struct Serve {
    /// On this machine; 0 takes a free one.
    pub port: u16,
    /// Codes of the languages whose pages tell translators about their messages.
    pub translating: Vec<String>,
    /// What those languages are spelled by.
    pub dictionaries: Dictionaries,
}

/// Serves `book/` until Ctrl-C. `open` reads what the editions are built from; `say` shows a line to whoever started the server.
///
/// # Errors
///
/// A language that is not there or has no catalog, no free port, files that cannot be watched. A book that cannot be built is no error:
/// the page says why.
pub fn serve(site: &Site, serve: &Serve, open: impl Fn() -> Result<(Site, Library)>, say: impl Fn(&str)) -> Result<()> {
    let translating = serve
        .translating
        .iter()
        .map(|code| {
            let language = site.language(code)?;
            ensure!(
                !language.source,
                "`{code}` is the language the chapters are written in; it has no catalog"
            );
            Ok(language.clone())
        })
        .collect::<Result<Vec<Language>>>()?;
    let listener = bind(serve.port, &say)?;
    let address = listener.local_addr()?;
    let (sender, changes) = mpsc::channel();
    let _watcher = watch(site, sender.clone())?;
    let state = Arc::new(Served::new(site.output.clone(), Desk::new(site, &translating)));

    let mut builder = Builder {
        open,
        options: Options {
            live_reload: Some(LIVE_RELOAD.to_owned()),
            translating: serve.translating.clone(),
            only: None,
            pyodide: None,
            release: None,
            texts: SharedTexts::default(),
        },
        opened: None,
        stale: None,
    };
    let mut build = |changed: &[PathBuf]| {
        let started = Instant::now();
        match builder.build(changed) {
            Ok(Built { editions, catalogs }) => {
                let what = match changed {
                    [] => String::new(),
                    [path] => format!(" after a change of {}", path.display()),
                    [path, rest @ ..] => format!(" after changes of {} and {} more", path.display(), rest.len()),
                };
                let names: Vec<&str> = editions.iter().map(|edition| edition.language.name.as_str()).collect();
                say(&format!(
                    "{} built in {:.1} s{what}",
                    names.join(", "),
                    started.elapsed().as_secs_f64()
                ));
                state.set_failure(None);
                let built: Vec<(Language, u64)> = catalogs
                    .into_iter()
                    .filter_map(|(language, catalog)| {
                        let build = state.desk().built(&language.code, catalog)?;
                        Some((language, build))
                    })
                    .collect();
                state.tell(RELOAD);
                if let Some((site, library)) = builder.opened.clone()
                    && !built.is_empty()
                {
                    check_later(state.clone(), site, library, serve.dictionaries.clone(), built);
                }
            }
            Err(error) => {
                say(&format!("{error:#}\nnot built: the pages are as they were"));
                state.set_failure(Some(failure(&error, &state.desk(), site)));
                state.desk().failed();
                state.tell(RELOAD);
            }
        }
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

/// Builds what a change has made stale.
struct Builder<O> {
    open: O,
    options: Options,
    /// What the last build was made from; catalogs are read for each.
    opened: Option<(Site, Library)>,
    /// The languages whose pages are not what they should be; `None` for all.
    stale: Option<BTreeSet<String>>,
}

impl<O: Fn() -> Result<(Site, Library)>> Builder<O> {
    fn build(&mut self, changed: &[PathBuf]) -> Result<Built> {
        match (catalogs_only(changed, self.opened.as_ref()), &mut self.stale) {
            (Some(codes), Some(stale)) => stale.extend(codes),
            (Some(_), None) => {}
            (None, stale) => {
                *stale = None;
                self.opened = None;
                // A change of a catalog alone leaves the texts that it translates as they were.
                self.options.texts = SharedTexts::default();
            }
        }
        let (site, library) = match &mut self.opened {
            Some(opened) => opened,
            none => none.insert((self.open)()?),
        };
        self.options.only = self.stale.as_ref().map(|codes| codes.iter().cloned().collect());
        let mut catalogs = Vec::new();
        for language in site.languages.iter().filter(|language| self.options.builds(language)) {
            let path = site.catalog_path(language);
            // Some editors remove a file before they write it anew.
            ensure!(
                changed.is_empty() || language.source || path.is_file() || !changed.contains(&site.relative(&path)),
                "{} is gone",
                site.relative(&path).display()
            );
            if let Some(catalog) = edition::catalog(site, language)? {
                catalogs.push((language.clone(), catalog));
            }
        }
        let editions = edition::build(site, library, &self.options)?;
        self.stale = Some(BTreeSet::new());
        Ok(Built { editions, catalogs })
    }
}

/// Editions, and the catalogs they were built from.
struct Built {
    editions: Vec<Edition>,
    catalogs: Vec<(Language, Catalog)>,
}

/// The languages of the catalogs that changed, if nothing else did.
fn catalogs_only(changed: &[PathBuf], opened: Option<&(Site, Library)>) -> Option<BTreeSet<String>> {
    let (site, _) = opened?;
    let language = |path: &PathBuf| {
        let catalog_of =
            |language: &&Language| !language.source && site.relative(&site.catalog_path(language)) == *path;
        Some(site.languages.iter().find(catalog_of)?.code.clone())
    };
    match changed {
        [] => None,
        changed => changed.iter().map(language).collect(),
    }
}

/// Checks catalogs while readers of the pages go on, and tells the pages when it is done.
fn check_later(
    state: Arc<Served>,
    site: Site,
    library: Library,
    dictionaries: Dictionaries,
    built: Vec<(Language, u64)>,
) {
    std::thread::spawn(move || {
        for (language, build) in built {
            // What keeps the check from running keeps the next build from being made, and is told then.
            let Ok(report) = catalog::check(&site, &library, &language, &dictionaries) else {
                continue;
            };
            let now = edition::catalog(&site, &language).ok().flatten();
            if state
                .desk()
                .checked(&language.code, build, now.as_ref(), report.findings)
            {
                state.tell(CHECKED);
            }
        }
    });
}

/// Why a build failed, as HTML: mistakes in catalogs lead to their entry.
fn failure(error: &anyhow::Error, desk: &Desk, site: &Site) -> String {
    let Some(Diagnostics(mistakes)) = error.downcast_ref() else {
        return escaped(&format!("{error:#}"));
    };
    let catalog = |code: &str| edition::catalog(site, site.language(code).ok()?).ok()?;
    let lines: Vec<String> = mistakes
        .iter()
        .map(|mistake| {
            let text = escaped(&mistake.to_string());
            match desk.address(&mistake.path, mistake.line, catalog) {
                Some(address) => {
                    let place = escaped(&format!("{}:{}", mistake.path.display(), mistake.line));
                    let link = format!("<a style=\"color:inherit\" href=\"{}\">{place}</a>", escaped(&address));
                    text.replacen(&place, &link, 1)
                }
                None => text,
            }
        })
        .collect();
    lines.join("\n")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    escape_html_body_text(&mut escaped, text).expect("a string takes everything");
    escaped
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
    const FILES: &[&str] = &["book.toml", "sources.toml", "ledger.toml"];
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
            .filter(|path| !is_temporary(path) && !is_beside_catalogs(path))
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

/// What editors of catalogs leave beside them: compiled catalogs, and files that became the catalog by renaming.
fn is_beside_catalogs(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    let in_po = path.parent().is_some_and(|folder| folder.ends_with("po"));
    in_po && (extension == "mo" || (extension != "po" && extension != "toml" && !path.exists()))
}

/// What pages are told: to load themselves anew, and that the catalog was checked.
const RELOAD: &str = "reload";
const CHECKED: &str = "checked";

/// What the server knows.
struct Served {
    folder: PathBuf,
    /// Why the last build failed, as HTML.
    failure: Mutex<Option<String>>,
    desk: Mutex<Desk>,
    pages: broadcast::Sender<&'static str>,
}

impl Served {
    fn new(folder: PathBuf, desk: Desk) -> Served {
        Served {
            folder,
            failure: Mutex::new(None),
            desk: Mutex::new(desk),
            pages: broadcast::Sender::new(4),
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn tell(&self, message: &'static str) {
        // Nobody may be listening.
        let _ = self.pages.send(message);
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
        .route(&format!("/{}/{{file}}", translator::FOLDER), get(for_translators))
        .fallback_service(ServeDir::new(&served.folder))
        .layer(middleware::from_fn_with_state(served.clone(), finish))
        .with_state(served)
}

async fn live_reload(State(served): State<Arc<Served>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|socket| tell(socket, served))
}

async fn for_translators(State(served): State<Arc<Served>>, AddressPath(file): AddressPath<String>) -> Response {
    let typed = |kind: &'static str, text: String| ([(CONTENT_TYPE, kind)], text).into_response();
    match file.as_str() {
        "translator.js" => typed("text/javascript; charset=utf-8", translator::SCRIPT.to_owned()),
        "translator.css" => typed("text/css; charset=utf-8", translator::STYLE.to_owned()),
        file => match file.strip_suffix(".json").and_then(|code| served.desk().json(code)) {
            Some(state) => typed("application/json", state),
            None => StatusCode::NOT_FOUND.into_response(),
        },
    }
}

async fn tell(mut socket: WebSocket, served: Arc<Served>) {
    let mut messages = served.pages.subscribe();
    loop {
        tokio::select! {
            message = messages.recv() => {
                let message = match message {
                    Ok(message) => message,
                    // To have missed some is to have to reload.
                    Err(broadcast::error::RecvError::Lagged(_)) => RELOAD,
                    Err(broadcast::error::RecvError::Closed) => return,
                };
                if socket.send(Message::Text(message.into())).await.is_err() {
                    return;
                }
            }
            // The page says nothing; this ends when it is closed.
            message = socket.recv() => {
                if !matches!(message, Some(Ok(_))) {
                    return;
                }
            }
        }
    }
}

/// Keeps browsers from showing what they stored, puts the last failure on top of every page, and gives translators their tools.
async fn finish(State(served): State<Arc<Served>>, request: Request, next: Next) -> Response {
    let tools = served.desk().head(request.uri().path()).unwrap_or_default();
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let banner = served.failure().map(|failure| banner(&failure)).unwrap_or_default();
    if banner.is_empty() && tools.is_empty() {
        return response;
    }
    if response.status() == StatusCode::NOT_FOUND {
        if banner.is_empty() {
            return response;
        }
        let page = Html(format!("<!DOCTYPE html><body>{banner}"));
        return (StatusCode::NOT_FOUND, page).into_response();
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
    let page = String::from_utf8_lossy(&page)
        .replacen("</head>", &format!("{tools}</head>"), 1)
        .replacen("<body>", &format!("<body>{banner}"), 1);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(page))
}

/// `failure` is HTML.
fn banner(failure: &str) -> String {
    format!(
        "<pre role=\"alert\" style=\"position:sticky;top:0;max-height:40vh;overflow:auto;z-index:1000;margin:0;padding:1em;white-space:pre-wrap;\
         background:#7a1020;color:#fff;font:14px/1.4 monospace\">{failure}</pre>"
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

    /// A book of one page in two languages.
    fn book() -> (tempfile::TempDir, Site) {
        let root = tempfile::tempdir().unwrap();
        for folder in ["src", "po", "book", "examples"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        let write = |path: &str, text: &str| std::fs::write(root.path().join(path), text).unwrap();
        write(
            "book.toml",
            "[book]\nlanguage = \"en\"\n[preprocessor.programs]\nbefore = [\"links\"]\n[preprocessor.gettext]\nafter = [\"links\"]\n\
             [preprocessor.measurements]\nafter = [\"gettext\"]\nreference-machine = \"m\"\n",
        );
        write(
            "po/languages.toml",
            "[[language]]\ncode = \"en\"\nname = \"English\"\ndecimal = \".\"\nthousands = \",\"\nsource = true\n\
             [[language]]\ncode = \"it\"\nname = \"Italiano\"\ndecimal = \",\"\nthousands = \".\"\nstatus = \"complete\"\n",
        );
        write("src/SUMMARY.md", "[Page](page.md)\n");
        write("src/page.md", "# Page {#page}\n\nText.\n");
        write("po/it.po", CATALOG);
        let site = Site::open(root.path()).unwrap();
        (root, site)
    }

    const CATALOG: &str = "msgid \"\"\nmsgstr \"\"\n\"Language: it\\n\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\n\
                           #: src/page.md\nmsgid \"Text.\"\nmsgstr \"Testo.\"\n";

    fn listen(served: &Arc<Served>) -> (SocketAddr, tokio::runtime::Runtime) {
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

        (address, runtime)
    }

    #[test]
    fn a_failed_build_leaves_the_pages_and_says_so_on_top() {
        let (_root, site) = book();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("index.html"), "<html><body>good</body></html>").unwrap();
        std::fs::write(folder.path().join("a.css"), "body{}").unwrap();
        let served = Arc::new(Served::new(folder.path().to_owned(), Desk::new(&site, &[])));
        let (address, runtime) = listen(&served);

        let good = get(address, "/");
        assert!(good.contains("<body>good") && good.contains("no-store"), "{good}");
        served.set_failure(Some(failure(
            &anyhow::anyhow!("src/a.md:3: <wrong>"),
            &served.desk(),
            &site,
        )));
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
        let (_root, site) = book();
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

    #[test]
    fn what_editors_of_catalogs_leave_is_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let po = folder.path().join("po");
        std::fs::create_dir(&po).unwrap();
        for name in ["it.mo", "it.po.kXq3", "sedA1b2"] {
            assert!(is_beside_catalogs(&po.join(name)), "{name}");
        }
        // One that was taken away is a change.
        for name in ["it.po", "languages.toml"] {
            assert!(!is_beside_catalogs(&po.join(name)), "{name}");
        }
        assert!(!is_beside_catalogs(&folder.path().join("src/gone.md")));
    }

    #[test]
    fn translators_get_their_tools_in_their_language_only() {
        let (_root, site) = book();
        let library = Library {
            entries: Vec::new(),
            self_check: None,
        };
        let languages = [site.language("it").unwrap().clone()];
        let served = Arc::new(Served::new(site.output.clone(), Desk::new(&site, &languages)));
        let (address, runtime) = listen(&served);
        let mut options = Options {
            translating: vec!["it".to_owned()],
            ..Options::default()
        };
        edition::build(&site, &library, &options).unwrap();
        served
            .desk()
            .built("it", edition::catalog(&site, &languages[0]).unwrap().unwrap());

        let italian = get(address, "/it/page.html");
        assert!(
            italian.contains("<p><span data-entry=\"7\" data-state=\"translated\">Testo.</span></p>"),
            "{italian}"
        );
        assert!(
            italian.contains("/__translate/translator.js\" data-language=\"it\" data-build="),
            "{italian}"
        );
        let english = get(address, "/en/page.html");
        assert!(
            english.contains("<p>Text.</p>") && !english.contains("__translate"),
            "{english}"
        );
        assert!(get(address, "/__translate/translator.js").contains("text/javascript"));
        assert!(get(address, "/__translate/translator.css").contains("text/css"));
        assert!(get(address, "/__translate/it.json").contains("\"msgid\":\"Text.\""));
        for none in ["en.json", "x.js", "..%2fit.json"] {
            assert!(
                get(address, &format!("/__translate/{none}")).starts_with("HTTP/1.1 404"),
                "{none}"
            );
        }
        // None of it is in the book that is published, and no mark either.
        options.translating.clear();
        edition::build(&site, &library, &options).unwrap();
        for page in ["it/page.html", "it/print.html", "en/page.html", "index.html"] {
            let page = std::fs::read_to_string(site.output.join(page)).unwrap();
            assert!(!page.contains("__translate") && !page.contains("data-entry"), "{page}");
            assert!(!page.contains("data-state") && !page.contains("__livereload"), "{page}");
        }
        runtime.shutdown_background();
    }

    #[test]
    fn a_save_of_a_catalog_builds_its_edition_alone() {
        let (_root, site) = book();
        let opened = std::cell::Cell::new(0);
        let mut builder = Builder {
            open: || {
                opened.set(opened.get() + 1);
                let library = Library {
                    entries: Vec::new(),
                    self_check: None,
                };
                Ok((Site::open(&site.root)?, library))
            },
            options: Options::default(),
            opened: None,
            stale: None,
        };
        let mut build = |changed: &[&str]| -> Result<Vec<String>> {
            let changed: Vec<PathBuf> = changed.iter().map(PathBuf::from).collect();
            let built = builder.build(&changed)?;
            Ok(built
                .editions
                .into_iter()
                .map(|edition| edition.language.code)
                .collect())
        };
        let page = |code: &str| std::fs::read_to_string(site.output.join(code).join("page.html")).unwrap();
        let (source, catalog) = (site.root.join("src/page.md"), site.root.join("po/it.po"));

        assert_eq!(build(&[]).unwrap(), ["en", "it"]);
        std::fs::write(&catalog, CATALOG.replace("Testo.", "Un testo.")).unwrap();
        assert_eq!(build(&["po/it.po"]).unwrap(), ["it"]);
        assert!(page("it").contains("Un testo.") && page("en").contains("Text."));
        assert_eq!(opened.get(), 1, "a catalog needs no results read anew");
        assert_eq!(build(&["po/it.po", "po/languages.toml"]).unwrap(), ["en", "it"]);
        assert_eq!(opened.get(), 2);

        // A chapter is broken, and a catalog saved: the mistake is not forgotten.
        std::fs::write(&source, "# Page {#page}\n\n{{#measured a.b.c}}\n").unwrap();
        build(&["src/page.md"]).unwrap_err();
        build(&["po/it.po"]).unwrap_err();
        std::fs::write(&source, "# Page {#page}\n\nText.\n").unwrap();
        assert_eq!(build(&["src/page.md"]).unwrap(), ["en", "it"]);

        // An editor at work: neither a missing nor an unfinished catalog changes a page.
        std::fs::remove_file(&catalog).unwrap();
        assert!(
            build(&["po/it.po"])
                .unwrap_err()
                .to_string()
                .contains("po/it.po is gone")
        );
        std::fs::write(&catalog, &CATALOG[..CATALOG.len() - 5]).unwrap();
        assert!(build(&["po/it.po"]).unwrap_err().to_string().contains("po/it.po:8"));
        assert!(page("it").contains("Un testo."));
        std::fs::write(&catalog, CATALOG).unwrap();
        assert_eq!(build(&["po/it.po"]).unwrap(), ["it"]);
        assert!(page("it").contains("<p>Testo.</p>"));
    }

    #[test]
    fn the_table_of_translations_follows_catalogs_and_chapters() {
        let (_root, site) = book();
        let (source, catalog) = (site.root.join("src/page.md"), site.root.join("po/it.po"));
        let chapter = "# Page {#page}\n\n{{#translations}}\n\nText.\n";
        std::fs::write(&source, chapter).unwrap();
        let mut builder = Builder {
            open: || {
                let library = Library {
                    entries: Vec::new(),
                    self_check: None,
                };
                Ok((Site::open(&site.root)?, library))
            },
            options: Options::default(),
            opened: None,
            stale: None,
        };
        let mut table_after = |changed: &[&str]| {
            let changed: Vec<PathBuf> = changed.iter().map(PathBuf::from).collect();
            builder.build(&changed).unwrap();
            let page = std::fs::read_to_string(site.output.join("it/page.html")).unwrap();
            let (from, to) = (page.find("<table").unwrap(), page.find("</table>").unwrap());
            page[from..to].to_owned()
        };

        let first = table_after(&[]);
        std::fs::write(&catalog, CATALOG.replace("Testo.", "")).unwrap();
        let untranslated = table_after(&["po/it.po"]);
        assert_ne!(untranslated, first);
        std::fs::write(&catalog, CATALOG).unwrap();
        assert_eq!(table_after(&["po/it.po"]), first);
        // What catalogs are held against is read anew with the chapters, and only then.
        std::fs::write(&source, format!("{chapter}\nMore of it.\n")).unwrap();
        assert_ne!(table_after(&["src/page.md"]), first);
    }

    #[test]
    fn a_mistake_in_a_catalog_leads_to_its_entry() {
        let (_root, site) = book();
        let language = site.language("it").unwrap().clone();
        let mut desk = Desk::new(&site, std::slice::from_ref(&language));
        desk.built("it", edition::catalog(&site, &language).unwrap().unwrap());
        let error = Diagnostics(vec![
            crate::Diagnostic::new("po/it.po", 7, "lost <directive>", ""),
            crate::Diagnostic::new("src/page.md", 3, "unknown", "mend it"),
        ]);
        assert_eq!(
            failure(&error.into(), &desk, &site),
            "<a style=\"color:inherit\" href=\"/it/page.html#entry=7\">po/it.po:7</a>: lost &lt;directive&gt;\n\
             src/page.md:3: unknown\n  help: mend it"
        );
    }
}
