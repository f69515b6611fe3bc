//! Pyodide, by which readers run Python in the page: the npm package that `xtask/pyodide/` pins.

use book::edition;
use book::pyodide::Pyodide;

use crate::npm::Packages;
use crate::workspace::Workspace;

/// What readers get: every edition, with Python in the page where npm could bring it, or a word on why not.
pub fn options(workspace: &Workspace) -> edition::Options {
    let pyodide = find(workspace);
    if let Err(why) = &pyodide {
        eprintln!("note: snippets cannot be run in the page of this build: {why}");
    }
    edition::Options {
        pyodide: pyodide.ok(),
        ..edition::Options::default()
    }
}

/// Installs it where it is missing; says what stands in the way otherwise.
pub fn find(workspace: &Workspace) -> Result<Pyodide, String> {
    let modules = Packages::new(
        workspace.root.join("xtask").join("pyodide"),
        workspace.target.join("pyodide"),
        "Pyodide",
    )
    .install()
    .map_err(|why| format!("{why} (Debian and Ubuntu: `apt-get install npm`)"))?;
    Pyodide::open(&modules.join("pyodide")).map_err(|error| format!("{error:#}"))
}
