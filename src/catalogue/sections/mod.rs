//! Sections: one form for each language, under a name. A template is made of them.
//!
//! Order of writing: the section is recorded as a user of each of its forms, then written. A crash in between leaves users that never came to be,
//! which keep no form for longer than the time that a creation may take.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use store::{Store, Timestamp};
use uuid::Uuid;
use workflows::values::{Language, Problems};

pub use super::names::Error;

use super::fields::{self, FieldKey};
use super::forms::{CREATION_GRACE, Form, Forms};
use super::item::{Act, Found, Items, Kind, Numbered, User};
use super::{Held, names};
use crate::records::{self, Records};

/// What people call one.
const WHAT: &str = "section";

/// Maximum number of forms: one for each language.
const MAX_FORMS: usize = 7;

/// A section, as its record keeps it. Its key is its external id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Tells it from one that had the name before.
    pub id: Uuid,
    /// The name in normalised form, by which templates name it.
    pub external_id: String,
    /// One form for each language, in the order in which they were given.
    pub forms: Vec<SectionForm>,
    /// All fields of the forms.
    pub fields: Vec<FieldKey>,
}

/// Which form serves which language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionForm {
    /// Language of the form.
    pub language: Language,
    /// External id of the form.
    pub form: String,
}

impl Kind for Section {
    const COLLECTION: &'static str = "section";
    const KEY_IS_FREED: bool = true;

    fn weight(&self) -> usize {
        fields::weight_of(&self.fields)
    }
}

impl Section {
    /// The form of a language; `None` where there is none, which a fill replaces by that of the template's default language (note fill-language).
    pub fn form(&self, language: Language) -> Option<&str> {
        self.forms.iter().find(|form| form.language == language).map(|form| form.form.as_str())
    }
}

/// How a section is recorded as the user of a form.
pub(super) struct SectionHold {
    pub external_id: String,
    pub creation: Uuid,
}

impl SectionHold {
    /// `None` if it is no section that holds.
    pub fn read(held: &Held) -> Option<Self> {
        let user = User::from(held.clone());
        let (external_id, creation) = names::read_user(&user.key).filter(|_| user.kind == Section::COLLECTION)?;
        Some(Self { external_id: external_id.to_owned(), creation })
    }
}

/// What a client sends.
#[derive(Clone, Debug)]
pub struct NewSection {
    /// Its name.
    pub name: String,
    /// Its forms, by external id.
    pub forms: Vec<SectionForm>,
}

/// The sections of all organizations; a cheap handle.
#[derive(Clone)]
pub struct Sections {
    items: Items<Section>,
    forms: Forms,
}

impl Sections {
    /// Over a store, with the forms.
    pub fn new(store: Arc<dyn Store>, forms: Forms) -> Self {
        Self { items: Items::new(Records::new(store)), forms }
    }

    /// Makes a section.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong, [`Error::NotFound`] for a form that is not there, [`Error::Exists`], [`Error::Catalogue`].
    pub async fn create(&self, organization: &str, new: NewSection, act: impl Into<Act<'_>>) -> Result<Found<Section>, Error> {
        let act = act.into();
        let external_id = check(&new)?;
        if self.items.find(organization, &external_id).await?.is_some_and(|found| found.item.state.is_present()) {
            return Err(Error::Exists(WHAT, external_id));
        }
        let id = Uuid::now_v7();
        let user = names::user::<Section>(&external_id, id);
        let made = self.make(organization, id, &external_id, &new.forms, &user, act).await;
        // After a failure of the store it may have been written all the same.
        if made.as_ref().is_err_and(|error| !matches!(error, Error::Catalogue(_))) {
            for form in &new.forms {
                self.forms.release(organization, &form.form, &user, act.at).await?;
            }
        }
        made?;
        self.get(organization, &external_id).await
    }

    async fn make(
        &self,
        organization: &str,
        id: Uuid,
        external_id: &str,
        forms: &[SectionForm],
        user: &User,
        act: Act<'_>,
    ) -> Result<(), Error> {
        let mut found: Vec<Found<Form>> = Vec::with_capacity(forms.len());
        for (place, form) in forms.iter().enumerate() {
            let held = self.forms.hold(organization, &form.form, user, act.at).await;
            found.push(held.map_err(|error| missing_form(place, error))?);
        }
        let fields = fields::union(found.iter().map(|form| form.item.value.fields.as_slice()));
        let fields = fields.map_err(|refused| Error::invalid("forms", refused))?;
        let section = Section { id, external_id: external_id.to_owned(), forms: forms.to_vec(), fields };
        match self.items.create(organization, external_id, section, "created", act).await? {
            None => Ok(()),
            Some(own) if own.item.value.id == id => Ok(()),
            Some(_) => Err(Error::Exists(WHAT, external_id.to_owned())),
        }
    }

    /// The section with an external id.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::Catalogue`].
    pub async fn get(&self, organization: &str, external_id: &str) -> Result<Found<Section>, Error> {
        if !names::is_external_id(external_id) {
            return Err(Error::NotFound(format!("such {WHAT}")));
        }
        self.items.get(organization, external_id).await.map_err(|error| Error::of(WHAT, error))
    }

    /// A page of the sections, newest first.
    ///
    /// # Errors
    /// [`Error::TooMuch`], [`Error::Catalogue`].
    pub async fn newest(&self, organization: &str, page: usize, size: usize) -> Result<Numbered<Section>, Error> {
        self.items.newest(organization, page, size, |_| true).await.map_err(|error| Error::of(WHAT, error))
    }

    /// Deletes a section. Of those who said that they use it, those count of which `is_there` says so (see [`Items::delete_unused`]).
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::InUse`] while a template has it, [`Error::Catalogue`].
    pub async fn delete<L: Future<Output = Result<bool, records::Error>>>(
        &self,
        organization: &str,
        external_id: &str,
        act: impl Into<Act<'_>>,
        is_there: impl Fn(Held) -> L,
    ) -> Result<(), Error> {
        let act = act.into();
        let section = self.get(organization, external_id).await?.item.value;
        let deleted = self.items.delete_unused(organization, external_id, "deleted", act, is_there).await;
        deleted.map_err(|error| Error::of(WHAT, error))?;
        let user = names::user::<Section>(external_id, section.id);
        for form in &section.forms {
            self.forms.release(organization, &form.form, &user, act.at).await?;
        }
        Ok(())
    }

    /// Records that something uses a section, and answers what it is; to be done before the user is written. From then on the section stays.
    ///
    /// # Errors
    /// As [`Sections::get`].
    pub async fn hold(&self, organization: &str, external_id: &str, user: &User, at: Timestamp) -> Result<Found<Section>, Error> {
        // Of a name that cannot be one nothing is kept.
        self.get(organization, external_id).await?;
        self.items.hold(organization, external_id, user, at).await.map_err(|error| Error::of(WHAT, error))
    }

    /// Takes back what [`Sections::hold`] recorded. Idempotent.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn release(&self, organization: &str, external_id: &str, user: &User, at: Timestamp) -> Result<(), Error> {
        Ok(self.items.release(organization, external_id, user, at).await?)
    }
}

/// Whether a creation that began at `since` may still end: what it holds counts as used until then.
pub fn may_come(since: Timestamp, now: Timestamp) -> bool {
    now - since < CREATION_GRACE
}

/// Everything about a new section that can be judged by itself; the answer is its external id.
fn check(new: &NewSection) -> Result<String, Error> {
    let mut problems = Problems::default();
    let external_id = problems.take("sectionName", names::new_external_id(&new.name));
    if new.forms.is_empty() {
        problems.note("forms", "expected a form for at least one language");
    }
    if new.forms.len() > MAX_FORMS {
        problems.note("forms", format!("expected at most {MAX_FORMS}: one for each language"));
    } else {
        for (place, form) in new.forms.iter().enumerate() {
            if new.forms[..place].iter().any(|other| other.language == form.language) {
                problems.note(format!("forms[{place}].language"), "another form has this language");
            }
        }
    }
    match external_id {
        Some(external_id) if problems.is_empty() => Ok(external_id),
        _ => Err(Error::Invalid(problems)),
    }
}

/// A form that a section names and that is not there is a 404, also where one was deleted: the operation has no 410.
fn missing_form(place: usize, error: Error) -> Error {
    match error {
        Error::NotFound(_) | Error::Gone(_) => Error::NotFound(format!("form as forms[{place}].formExternalId names it")),
        other => other,
    }
}
