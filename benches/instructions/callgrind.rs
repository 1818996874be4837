//! A program under callgrind, which writes down what it has executed whenever it comes to a mark.
//!
//! Guards that the same work is the same count elsewhere: what glibc and jemalloc would choose by
//! the processor or the clock is chosen here, and between two marks there is no start-up.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// glibc copies by what the processor has; valgrind counts a `rep movsb` once a byte.
const PLAIN_COPIES: &str =
    "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM";

/// Where the dumps of one program lie.
pub struct Callgrind {
    dir: PathBuf,
}

impl Callgrind {
    /// An empty directory for what is measured under this name.
    pub fn new(name: &str) -> std::io::Result<Callgrind> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("target/instructions")
            .join(name);
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        fs::create_dir_all(&dir)?;
        Ok(Callgrind { dir })
    }

    /// What stands before the program's own command line; `mark` is the function that is a mark, `*`
    /// in it stands for anything.
    pub fn words(&self, mark: &str) -> Vec<String> {
        [
            "env",
            PLAIN_COPIES,
            "valgrind",
            "--tool=callgrind",
            &format!("--callgrind-out-file={}", self.dir.join("out").display()),
            &format!("--dump-before={mark}"),
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// How many instructions there were from each mark to the next.
    pub fn counts(&self) -> Result<Vec<u64>, Box<dyn Error>> {
        // The first dump is the start-up.
        (2..)
            .map(|number| self.dump(number))
            .take_while(|dump| dump.exists())
            .map(|dump| total(&dump))
            .collect()
    }

    /// Keeps the dump of this interval under a name for callgrind_annotate.
    pub fn keep(&self, interval: usize, name: &str) -> std::io::Result<()> {
        let name = format!("{}.callgrind", name.replace(' ', "-"));
        fs::rename(self.dump(interval + 2), self.dir.join(name))
    }

    /// Removes the dumps that were not kept.
    pub fn clear(&self) -> std::io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("out") {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn dump(&self, number: usize) -> PathBuf {
        self.dir.join(format!("out.{number}"))
    }
}

/// What valgrind calls itself; where there is none, what to do.
pub fn version() -> Result<String, Box<dyn Error>> {
    let shown = Command::new("valgrind").arg("--version").output();
    let shown = shown.map_err(|_| "valgrind is not here: sudo apt-get install valgrind")?;
    let shown = String::from_utf8(shown.stdout)?;
    Ok(shown.trim().trim_start_matches("valgrind-").to_owned())
}

fn total(dump: &Path) -> Result<u64, Box<dyn Error>> {
    let text = fs::read_to_string(dump)?;
    let total = text.lines().find_map(|line| line.strip_prefix("summary: "));
    let total = total.ok_or_else(|| format!("{} has no summary", dump.display()))?;
    Ok(total.trim().parse()?)
}
