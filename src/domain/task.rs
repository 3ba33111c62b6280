//! Taskcluster's tasks: where they live, what names them, what they publish.

use super::names::a_name;
use super::{NotAName, RepositoryUrl, UrlRules};
use std::fmt;
use std::str::FromStr;

/// The root URL of a Taskcluster deployment, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootUrl(String);

/// The 22 characters that name a task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(String);

/// The name of an artifact within a run of a task, as `public/elmo.json`: any printable ASCII.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactName(String);

/// One run of a task: a re-run of the same task is another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskRun {
    pub root: RootUrl,
    pub task: TaskId,
    /// Counts from 0.
    pub run: u32,
}

/// Taskcluster's own limit is 50 runs; its schema allows this many.
pub const MOST_RUNS: u32 = 1000;
const LONGEST_ARTIFACT_NAME: usize = 1024;

a_name!(RootUrl);
a_name!(TaskId);
a_name!(ArtifactName);

impl RootUrl {
    /// Takes a root URL that was checked before, as the store reads it back.
    pub fn from_kept(url: String) -> RootUrl {
        RootUrl(url)
    }
}

impl FromStr for RootUrl {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<RootUrl, NotAName> {
        RepositoryUrl::parse(text, UrlRules::OnlyHttp).map(|url| RootUrl(url.to_string()))
    }
}

impl<'de> serde::Deserialize<'de> for RootUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<RootUrl, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for TaskId {
    type Err = NotAName;

    /// Reads a slugid: base64url of a version 4 UUID, which fixes some bits of the 9th, 11th and last character.
    fn from_str(text: &str) -> Result<TaskId, NotAName> {
        let bytes = text.as_bytes();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let fits = bytes.len() == 22
            && bytes.iter().all(plain)
            && matches!(bytes[8], b'Q'..=b'T')
            && b"CGKOSWaeimquy26-".contains(&bytes[10])
            && b"AQgw".contains(&bytes[21]);
        if fits {
            Ok(TaskId(text.to_owned()))
        } else {
            Err(NotAName::new("task", text, "a task is named by a slugid of 22 characters"))
        }
    }
}

impl FromStr for ArtifactName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<ArtifactName, NotAName> {
        let printable = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        // However they are written, as a part of a path they lead up.
        let leads_up = matches!(text, "." | "..");
        if printable && !leads_up && (1..=LONGEST_ARTIFACT_NAME).contains(&text.len()) {
            Ok(ArtifactName(text.to_owned()))
        } else {
            Err(NotAName::new("artifact name", text, "it must be 1 to 1024 printable ASCII characters, and neither '.' nor '..'"))
        }
    }
}

impl TaskRun {
    /// The page that the deployment has for it.
    pub fn page(&self) -> String {
        format!("{}/tasks/{}/runs/{}", self.root, self.task, self.run)
    }
}

impl fmt::Display for TaskRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.task, self.run)
    }
}

#[cfg(test)]
mod tests {
    use super::{ArtifactName, RootUrl, TaskId};

    #[test]
    fn a_task_is_named_by_a_slugid() {
        for id in ["MyGfGtPJSRW3nV_jRmbXlw", "TMmTikQvQCCJ_XxjGXKESQ", "-yGfGtPJSRW3nV_jRmbXlw"] {
            assert!(id.parse::<TaskId>().is_ok(), "{id}");
        }
        for id in ["", "MyGfGtPJSRW3nV_jRmbXl", "MyGfGtPJaRW3nV_jRmbXlw", "MyGfGtPJSRW3nV/jRmbXlw", "MyGfGtPJSRW3nV_jRmbXlx"] {
            assert!(id.parse::<TaskId>().is_err(), "{id}");
        }
    }

    #[test]
    fn a_root_url_has_no_slash_at_its_end() {
        assert_eq!("https://TC.example.org/".parse::<RootUrl>().unwrap().as_str(), "https://tc.example.org");
        assert!("amqp://tc.example.org".parse::<RootUrl>().is_err());
    }

    #[test]
    fn any_printable_name_is_an_artifacts() {
        assert!("public/../a b?#%.json".parse::<ArtifactName>().is_ok());
        for name in ["", "a\nb", "é", ".", "..", &"x".repeat(1025)] {
            assert!(name.parse::<ArtifactName>().is_err(), "{name}");
        }
    }
}
