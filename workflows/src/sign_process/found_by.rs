//! What a sign process is found by: its state, its signers, its documents.

use super::Data;
use crate::Attribute;

impl Data {
    pub(super) fn found_by(&self) -> Vec<Attribute> {
        let creation = &self.creation;
        let documents = creation.documents.iter().map(|document| document.id);
        let documents = documents.chain(creation.previews.iter().map(|preview| preview.id));
        let documents = documents.chain(self.sealed.iter().flatten().map(|sealed| sealed.id)).chain(self.certificate);
        let people = creation.signers.iter().flat_map(|signer| Attribute::of_person(&signer.alias, &signer.person));
        let status = self.status.name();
        let states = [Attribute::status(status), Attribute::status_of_type(creation.sign_type.name(), status)];
        states.into_iter().chain(people).chain(documents.map(Attribute::document)).collect()
    }
}
