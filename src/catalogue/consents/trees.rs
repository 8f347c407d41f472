//! Trees: which consents a segment offers to whom, in which order, families, views and languages.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use store::Timestamp;
use uuid::Uuid;
use workflows::values::Problems;

use super::definitions::{Definition, MAX_LANGUAGES, MAX_STORED};
use super::ids::ConsentId;
use super::languages::LanguageTag;
use super::{Author, MAX_NOTE, check_note, text, there};

/// Maximum number of consents of a tree, of its priority consents, and of its families.
pub const MAX_CONSENTS: usize = 256;

/// Maximum number of views of a tree, and of its channels.
pub const MAX_NAMES: usize = 64;

/// Maximum length of the name of a view or of a channel, in bytes.
pub const MAX_NAME: usize = 200;

/// Whom a tree is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UsersType {
    /// Those who have consents.
    Customers,
    /// Those who may become customers (note leads).
    Leads,
}

impl UsersType {
    /// Both, in the order of listings (note tree-order).
    pub const ALL: [Self; 2] = [Self::Customers, Self::Leads];

    /// As it stands in the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Leads => "leads",
        }
    }

    /// The one of this name.
    ///
    /// # Errors
    /// Which names there are.
    pub fn named(name: &str) -> Result<Self, &'static str> {
        Self::ALL.into_iter().find(|users| users.as_str() == name).ok_or("expected customers or leads")
    }
}

impl fmt::Display for UsersType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One version of a tree. When it was written, its record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// What it is for.
    pub description: String,
    /// The language where the one asked for has no text; one of the allowed. Each consent of the order has texts in it.
    pub default_language: LanguageTag,
    /// In which texts may be asked for.
    pub allowed_languages: Vec<LanguageTag>,
    /// The consents, as they are shown.
    pub consents_order: Vec<ConsentId>,
    /// Consents that campaigns are for; may be outside the order (note priority-outside-order).
    pub priority_consent_ids: Vec<ConsentId>,
    /// Named groups.
    pub views: Vec<View>,
    /// Families.
    pub dependencies: Vec<Dependency>,
    /// Where it may be captured: free names.
    pub channels: Vec<String>,
    /// Whom it is for.
    pub users_type: UsersType,
    /// Id of the version: the transaction id of the contract.
    pub version: Uuid,
    /// Subject of the token of who wrote the version.
    pub subject: String,
    /// Audience of that token.
    pub audience: String,
    /// Why, in the words of who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_log: Option<String>,
}

/// A named group of consents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its name.
    pub view: String,
    /// Its consents; what their order means, the tree says.
    pub consents: Vec<ConsentId>,
}

/// A father and some of its children.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// On which the others depend.
    pub father: ConsentId,
    /// Those that depend on it.
    pub child: Vec<ConsentId>,
}

/// A tree as it is sent: any member may be missing.
#[derive(Clone, Debug, Default)]
pub struct NewTree {
    /// What it is for.
    pub description: Option<String>,
    /// A language tag.
    pub default_language: Option<String>,
    /// Language tags.
    pub allowed_languages: Option<Vec<String>>,
    /// Ids in any writing.
    pub consents_order: Option<Vec<String>>,
    /// Ids in any writing.
    pub priority_consent_ids: Option<Vec<String>>,
    /// Named groups.
    pub views: Option<Vec<NewView>>,
    /// Families; `None`: there are none.
    pub dependencies: Option<Vec<NewDependency>>,
    /// Free names.
    pub channels: Option<Vec<String>>,
    /// Name of the users' type.
    pub users_type: Option<String>,
    /// Why the tree is replaced; not looked at when it is created.
    pub change_log: Option<String>,
}

/// As [`NewTree`].
#[derive(Clone, Debug, Default)]
pub struct NewView {
    /// Its name.
    pub view: Option<String>,
    /// Ids in any writing.
    pub consents: Option<Vec<String>>,
}

/// As [`NewTree`].
#[derive(Clone, Debug, Default)]
pub struct NewDependency {
    /// Id in any writing.
    pub father: Option<String>,
    /// Ids in any writing.
    pub child: Option<Vec<String>>,
}

/// An id, and the member of the body that it stands in.
type Placed = (String, ConsentId);

/// A tree that was read, with everything that is wrong with it as far as it can be told without the tenant's definitions.
pub(super) struct Reading {
    problems: Problems,
    tree: Option<Tree>,
    order: Vec<Placed>,
    priority: Vec<Placed>,
    default_language: Option<LanguageTag>,
}

impl Reading {
    /// Reads a tree. Of one that replaces another the reason is demanded.
    pub fn of(new: NewTree, replaces: bool, author: Author<'_>) -> Self {
        let mut lists = Lists::default();
        let problems = &mut lists.problems;
        let description = there("description", new.description, problems);
        check_note("description", description.as_deref(), problems);
        let default_language = there("default_language", new.default_language, problems);
        let default_language = default_language.and_then(|tag| problems.take("default_language", LanguageTag::new(&tag)));
        let allowed_languages = languages(new.allowed_languages, problems);
        if let Some(language) = &default_language
            && !problems.has("allowed_languages")
            && !allowed_languages.contains(language)
        {
            problems.note("default_language", "it is not one of allowed_languages");
        }
        let order = lists.ids("consents_order", new.consents_order, 1);
        let priority = lists.ids("priority_consent_ids", new.priority_consent_ids, 1);
        let known: HashSet<&ConsentId> = order.iter().map(|(_, id)| id).collect();
        let views = lists.views(new.views, &known);
        let dependencies = lists.dependencies(new.dependencies, &known);
        let problems = &mut lists.problems;
        let channels = names("channels", new.channels, problems);
        let users_type = there("users_type", new.users_type, problems);
        let users_type = users_type.and_then(|name| problems.take("users_type", UsersType::named(&name)));
        let change_log = match replaces {
            true => there("change_log", new.change_log, problems),
            false => None,
        };
        check_note("change_log", change_log.as_deref(), problems);
        let ids = |placed: &[Placed]| placed.iter().map(|(_, id)| id.clone()).collect();
        let tree = match (description, &default_language, users_type) {
            (Some(description), Some(default_language), Some(users_type)) if problems.is_empty() => Some(Tree {
                description,
                default_language: default_language.clone(),
                allowed_languages,
                consents_order: ids(&order),
                priority_consent_ids: ids(&priority),
                views,
                dependencies,
                channels,
                users_type,
                version: Uuid::new_v4(),
                subject: author.subject.into(),
                audience: author.audience.into(),
                change_log,
            }),
            _ => None,
        };
        if tree.as_ref().is_some_and(|tree| serde_json::to_vec(tree).map_or(usize::MAX, |json| json.len()) > MAX_STORED) {
            problems.note("views", format!("the whole tree may have {} KiB", MAX_STORED / 1024));
        }
        Self { problems: lists.problems, tree, order, priority, default_language }
    }

    /// Whom it is for; `None` if something is wrong with it already.
    pub fn users(&self) -> Option<UsersType> {
        self.tree.as_ref().filter(|_| self.problems.is_empty()).map(|tree| tree.users_type)
    }

    /// The consents that must be definitions of the tenant, each once.
    pub fn wanted(&self) -> Vec<ConsentId> {
        let mut seen = HashSet::new();
        let ids = self.order.iter().chain(&self.priority).map(|(_, id)| id);
        ids.filter(|id| seen.insert(*id)).cloned().collect()
    }

    /// The tree, if it keeps all rules; `there` are the definitions of [`Reading::wanted`] that there are.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn against(self, there: &HashMap<ConsentId, Definition>) -> Result<Tree, Problems> {
        let Self { mut problems, tree, order, priority, default_language } = self;
        let missing = |id: &ConsentId| format!("there is no consent {id}; create it first");
        for (path, id) in &order {
            match (there.get(id), &default_language) {
                (None, _) => problems.note(path, missing(id)),
                (Some(definition), Some(language)) if definition.details_in(language).is_none() => {
                    problems.note(path, format!("{id} has no texts in {language}, the default_language; add them to it first"));
                }
                _ => {}
            }
        }
        for (path, id) in priority.iter().filter(|(_, id)| !there.contains_key(id)) {
            problems.note(path, missing(id));
        }
        match tree {
            Some(tree) if problems.is_empty() => Ok(tree),
            _ => Err(problems),
        }
    }
}

/// Reads lists of ids and of names.
#[derive(Default)]
struct Lists {
    problems: Problems,
}

impl Lists {
    /// Ids, none twice, `min` of them at least.
    fn ids(&mut self, path: &str, sent: Option<Vec<String>>, min: usize) -> Vec<Placed> {
        let Some(sent) = there(path, sent, &mut self.problems) else { return Vec::new() };
        if sent.len() < min {
            self.problems.note(path, "expected at least one consent");
        }
        if sent.len() > MAX_CONSENTS {
            self.problems.note(path, format!("expected at most {MAX_CONSENTS} consents"));
            return Vec::new();
        }
        let mut ids: Vec<Placed> = Vec::with_capacity(sent.len());
        let mut seen = HashSet::new();
        for (place, text) in sent.iter().enumerate() {
            let path = format!("{path}[{place}]");
            let Some(id) = self.problems.take(path.as_str(), ConsentId::new(text)) else { continue };
            match seen.insert(id.clone()) {
                true => ids.push((path, id)),
                false => self.problems.note(path, format!("{id} is there twice")),
            }
        }
        ids
    }

    /// Ids that the order has.
    fn known(&mut self, path: &str, sent: Option<Vec<String>>, known: &HashSet<&ConsentId>) -> Vec<Placed> {
        let ids = self.ids(path, sent, 0);
        for (path, id) in ids.iter().filter(|(_, id)| !known.contains(id)) {
            self.problems.note(path, format!("{id} is not in consents_order"));
        }
        ids
    }

    fn views(&mut self, sent: Option<Vec<NewView>>, known: &HashSet<&ConsentId>) -> Vec<View> {
        let Some(sent) = there("views", sent, &mut self.problems) else { return Vec::new() };
        if sent.len() > MAX_NAMES {
            self.problems.note("views", format!("expected at most {MAX_NAMES} views"));
            return Vec::new();
        }
        let mut views: Vec<View> = Vec::with_capacity(sent.len());
        for (place, new) in sent.into_iter().enumerate() {
            let path = format!("views[{place}].view");
            let name = there(path.as_str(), new.view, &mut self.problems);
            let name = name.and_then(|name| self.problems.take(path.as_str(), free_name(name)));
            if name.as_ref().is_some_and(|name| views.iter().any(|other| other.view == *name)) {
                self.problems.note(path, "another view has this name");
            }
            let consents = self.known(&format!("views[{place}].consents"), new.consents, known);
            views.push(View { view: name.unwrap_or_default(), consents: consents.into_iter().map(|(_, id)| id).collect() });
        }
        views
    }

    fn dependencies(&mut self, sent: Option<Vec<NewDependency>>, known: &HashSet<&ConsentId>) -> Vec<Dependency> {
        let sent = sent.unwrap_or_default();
        if sent.len() > MAX_CONSENTS {
            self.problems.note("dependencies", format!("expected at most {MAX_CONSENTS} families"));
            return Vec::new();
        }
        let mut dependencies = Vec::with_capacity(sent.len());
        let mut fathers: HashMap<ConsentId, ConsentId> = HashMap::new();
        for (place, new) in sent.into_iter().enumerate() {
            let path = format!("dependencies[{place}]");
            let father = self.father(&format!("{path}.father"), new.father, known);
            let children = self.known(&format!("{path}.child"), new.child, known);
            let Some(father) = father else { continue };
            for (path, child) in &children {
                match fathers.get(child) {
                    Some(other) => self.problems.note(path, format!("{child} has a father already, {other}")),
                    None if descends(&father, child, &fathers) => {
                        self.problems.note(path, format!("{child} would be its own ancestor"));
                    }
                    None => drop(fathers.insert(child.clone(), father.clone())),
                }
            }
            dependencies.push(Dependency { father, child: children.into_iter().map(|(_, id)| id).collect() });
        }
        dependencies
    }

    fn father(&mut self, path: &str, sent: Option<String>, known: &HashSet<&ConsentId>) -> Option<ConsentId> {
        let sent = there(path, sent, &mut self.problems)?;
        let id = self.problems.take(path, ConsentId::new(&sent))?;
        if !known.contains(&id) {
            self.problems.note(path, format!("{id} is not in consents_order"));
        }
        Some(id)
    }
}

/// Whether a consent is another one or comes from it.
fn descends(id: &ConsentId, from: &ConsentId, fathers: &HashMap<ConsentId, ConsentId>) -> bool {
    let mut at = Some(id);
    // No cycle is ever made of fathers, so this ends.
    while let Some(id) = at {
        if id == from {
            return true;
        }
        at = fathers.get(id);
    }
    false
}

fn languages(sent: Option<Vec<String>>, problems: &mut Problems) -> Vec<LanguageTag> {
    const PATH: &str = "allowed_languages";
    let Some(sent) = there(PATH, sent, problems) else { return Vec::new() };
    if !(1..=MAX_LANGUAGES).contains(&sent.len()) {
        problems.note(PATH, format!("expected 1 to {MAX_LANGUAGES} languages"));
        return Vec::new();
    }
    let mut languages = Vec::with_capacity(sent.len());
    for (place, text) in sent.iter().enumerate() {
        let path = format!("{PATH}[{place}]");
        let Some(tag) = problems.take(path.as_str(), LanguageTag::new(text)) else { continue };
        match languages.contains(&tag) {
            true => problems.note(path, format!("{tag} is there twice")),
            false => languages.push(tag),
        }
    }
    languages
}

/// Free names, one at least.
fn names(path: &str, sent: Option<Vec<String>>, problems: &mut Problems) -> Vec<String> {
    let Some(sent) = there(path, sent, problems) else { return Vec::new() };
    if !(1..=MAX_NAMES).contains(&sent.len()) {
        problems.note(path, format!("expected 1 to {MAX_NAMES} names"));
        return Vec::new();
    }
    let read = |(place, name)| problems.take(format!("{path}[{place}]"), text(name, MAX_NAME));
    sent.into_iter().enumerate().filter_map(read).collect()
}

fn free_name(name: String) -> Result<String, String> {
    if name.is_empty() {
        return Err("expected a name".into());
    }
    text(name, MAX_NAME)
}

impl Tree {
    /// Bytes that it takes, about.
    pub(super) fn weight(&self) -> usize {
        let ids = |ids: &[ConsentId]| ids.iter().map(|id| 32 + id.as_str().len()).sum::<usize>();
        let views: usize = self.views.iter().map(|view| 64 + ids(&view.consents)).sum();
        let families: usize = self.dependencies.iter().map(|family| 64 + ids(&family.child)).sum();
        1024 + MAX_NOTE + ids(&self.consents_order) + ids(&self.priority_consent_ids) + views + families
    }

    /// The instant of a version that follows one: later than that, whatever the clocks of two servers say, as histories are strictly by date.
    pub(super) fn instant(now: Timestamp, before: Timestamp) -> Timestamp {
        now.max(before + chrono::TimeDelta::microseconds(1))
    }
}
