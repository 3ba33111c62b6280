//! `elmo tree`: what products compare, and what that is called.

use super::Outcome;
use super::out::Out;
use super::parts::open_store;
use crate::config::Config;
use crate::domain::is_tree_code;
use crate::store::TreeRow;
use anyhow::{bail, ensure};
use clap::Subcommand;
use serde_json::json;

#[derive(Subcommand)]
pub(super) enum Tree {
    /// List the trees
    List {
        #[arg(long)]
        json: bool,
    },
    /// Give a tree another code
    Rename { from: String, to: String },
}

impl Tree {
    pub(super) async fn run(self, config: Config, out: &mut Out) -> anyhow::Result<Outcome> {
        let store = open_store(&config).await?;
        match self {
            Tree::List { json } => list(&store.trees().await?, json, out)?,
            Tree::Rename { from, to } => {
                ensure!(is_tree_code(&to), "{to:?} is no code of a tree: letters, digits, '.', '_', '-' and '/', at most 100");
                if !store.rename_tree(&from, &to).await? {
                    bail!("there is no tree {from}, or there is a tree {to} already; `elmo tree list` names them");
                }
                out.line(format_args!("tree {from} is {to} now"))?;
            }
        }
        Ok(Outcome::Done)
    }
}

fn list(trees: &[TreeRow], json: bool, out: &mut Out) -> std::io::Result<()> {
    if json {
        let row = |tree: &TreeRow| json!({"code": tree.code, "repository": tree.repository, "config": tree.config, "locales": tree.locales});
        return out.json(&trees.iter().map(row).collect::<Vec<_>>());
    }
    if trees.is_empty() {
        return out.line(format_args!("there are no trees yet; the first result of a task makes them"));
    }
    let row = |tree: &TreeRow| vec![tree.code.clone(), tree.locales.to_string(), tree.repository.to_string(), tree.config.clone()];
    out.table(&["tree", "locales", "repository", "configuration"], &trees.iter().map(row).collect::<Vec<_>>())
}
