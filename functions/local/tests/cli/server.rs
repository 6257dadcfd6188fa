//! `serve`, running.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStderr, Command},
};

use serde_json::Value;

use crate::{
    http::{Answer, ask},
    tool::{Ended, Folder, wait_for},
};

/// The root of the API.
pub(crate) const API: &str = "/api/integrations/entra";

/// A server that dies with this.
pub(crate) struct Server {
    child: Child,
    talk: BufReader<ChildStderr>,
    said: String,
    pub(crate) port: u16,
    pub(crate) token: String,
}

impl Server {
    /// Serves `folder` on a free port.
    pub(crate) fn start(folder: &Folder) -> Self {
        let mut child = folder.command(&["serve", "--port", "0"]).spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let port = loop {
            let begin = said.len();
            assert_ne!(talk.read_line(&mut said).unwrap(), 0, "it ended: {said}");
            if let Some(port) = port_in(&said[begin..]) {
                break port;
            }
        };
        let token = fs::read_to_string(folder.data().join("api-token")).unwrap();
        Self { child, talk, said, port, token }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        ask(self.port, "GET", &format!("{API}{path}"), Some(&self.token), None)
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        ask(self.port, "POST", &format!("{API}{path}"), Some(&self.token), Some(body))
    }

    /// The run in the answer to a start, once it has ended.
    pub(crate) fn ended_run(&self, started: &Answer) -> Value {
        let run = started.json()["data"]["runId"].as_str().unwrap().to_owned();
        wait_for("end of the run", || {
            let shown = self.get(&format!("/sync/runs/{run}")).json()["data"].clone();
            (!shown["run"]["completedAt"].is_null()).then_some(shown)
        })
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let sent = Command::new("sh").args(["-c", "kill -INT $0", &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Ended {
        let status = wait_for("end of the server", || self.child.try_wait().unwrap());
        self.talk.read_to_string(&mut self.said).unwrap();
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        Ended { code: status.code(), stdout, stderr: std::mem::take(&mut self.said) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("http://127.0.0.1:")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
