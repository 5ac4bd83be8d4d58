//! One of our processes: started, frozen, killed, started again; its output goes to a file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub struct Process {
    command: Command,
    child: Child,
    log: PathBuf,
}

impl Process {
    pub fn start(name: &str, mut command: Command, folder: &Path) -> Process {
        let log = folder.join(format!("{name}.log"));
        let mut file = File::options().create(true).append(true).open(&log).unwrap();
        // Through a pipe, so that a limit on its files does not hold for what it says.
        let (mut reader, writer) = std::io::pipe().unwrap();
        std::thread::spawn(move || std::io::copy(&mut reader, &mut file));
        command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
        let child = command.spawn().unwrap();
        Process { command, child, log }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// True if it has ended and had nothing more to do.
    pub fn is_done(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some_and(is_done)
    }

    /// No file that it writes may grow beyond this many bytes; `None`: as large as it likes.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit =
            libc::rlimit { rlim_cur: bytes.unwrap_or(libc::RLIM_INFINITY), rlim_max: libc::RLIM_INFINITY };
        // SAFETY: the limit outlives the call, and nothing is written back.
        let set = unsafe { libc::prlimit(self.id(), libc::RLIMIT_FSIZE, &limit, std::ptr::null_mut()) };
        assert_eq!(set, 0);
    }

    /// kill -9, and the end of it awaited.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn restart(&mut self) {
        self.child = self.command.spawn().unwrap();
    }

    pub fn freeze(&self) {
        self.signal(libc::SIGSTOP);
    }

    pub fn thaw(&self) {
        self.signal(libc::SIGCONT);
    }

    /// SIGTERM: it drains and leaves.
    pub fn terminate(&mut self) {
        self.signal(libc::SIGTERM);
        self.finish(Duration::from_secs(60));
    }

    /// SIGTERM. False if it did not end in order, or had ended by itself and not in order.
    pub fn leave(&mut self, within: Duration) -> bool {
        if self.is_running() {
            self.signal(libc::SIGTERM);
        }
        let is_done = self.ends_well(within);
        if !is_done {
            println!("  did not leave in order: {}", self.last_line());
        }
        is_done
    }

    /// Waits for its end; true if it had nothing more to do.
    pub fn ends_well(&mut self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        while self.is_running() {
            assert!(Instant::now() < deadline, "not done in {within:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.is_done()
    }

    /// The last thing it said.
    pub fn last_line(&self) -> String {
        self.log().lines().last().unwrap_or_default().to_owned()
    }

    /// Waits for its end; 0 is done, 5 is done with dead letters.
    pub fn finish(&mut self, within: Duration) {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(is_done(status), "{status}: {}", self.log());
                return;
            }
            assert!(Instant::now() < deadline, "not done in {within:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The end of what it said.
    pub fn log(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let start = text.len().saturating_sub(4000);
        String::from_utf8_lossy(&text[start..]).into_owned()
    }

    fn signal(&self, signal: libc::c_int) {
        // SAFETY: the child has not been waited for, so its id is still its own.
        assert_eq!(unsafe { libc::kill(self.id(), signal) }, 0);
    }

    fn id(&self) -> libc::pid_t {
        libc::pid_t::try_from(self.child.id()).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_done(status: ExitStatus) -> bool {
    matches!(status.code(), Some(0 | 5))
}
