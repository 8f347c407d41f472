//! A signer signs by hand: whether they may is asked first, then the handwriting is taken, and only then the process is told.

use store::Timestamp;
use uuid::Uuid;
use workflows::{
    Device, SignType,
    sign_process::{Command, Data, process_of_signature},
};
use zeroize::Zeroizing;

use super::Processes;
use crate::handwriting::{self, Handwritings, Request};

/// A signature by hand as the signer's application sends it; nothing of it is checked yet.
pub struct Writing {
    /// `biometric_data`.
    pub sample: Zeroizing<String>,
    /// `signature_image`.
    pub image: Zeroizing<String>,
    /// The agent who accepts it though its quality may be too low.
    pub accepted_by: Option<String>,
    pub device: Device,
}

/// Why a signature by hand is not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Handwriting(#[from] handwriting::Error),
    #[error(transparent)]
    Process(#[from] actors::Error),
}

/// What a signature by hand needs.
pub struct Desk<'a> {
    pub processes: &'a Processes,
    pub handwritings: &'a Handwritings,
    /// Process time, by which the signature is made.
    pub now: Timestamp,
    /// By which files are held and certificates end.
    pub wall_clock: Timestamp,
}

impl Desk<'_> {
    /// # Errors
    /// [`Error`]; the process is not signed then, except perhaps after [`actors::Error::Unavailable`].
    pub async fn sign(&self, organization: &str, signature: Uuid, writing: Writing) -> Result<(), Error> {
        handwriting::check_lengths(&writing.sample, &writing.image)?;
        let process = process_of_signature(signature);
        let read = self.processes.sign.read(organization, process).await?;
        let data = read.existing().map_err(actors::Error::Refused)?;
        let position = data.admits(signature, SignType::Biometric).map_err(actors::Error::Refused)?;
        let device = writing.device.clone();
        let request = request(organization, data, position, writing, self.now);
        let taken = self.handwritings.take(organization, request, self.wall_clock).await?;
        let command = Command::Sign { signature, device, handwriting: Some(Box::new(taken.clone())) };
        let told = self.processes.sign.ask(organization, process, command).await;
        if let Err(actors::Error::Refused(_) | actors::Error::Overloaded) = &told {
            // Certainly not recorded; of other faults nobody knows yet.
            self.handwritings.give_up(organization, process, &taken, self.wall_clock).await;
        }
        told?;
        Ok(())
    }
}

/// The handwriting, bound to all that this act signs.
fn request(organization: &str, data: &Data, position: usize, writing: Writing, at: Timestamp) -> Request {
    let Writing { sample, image, accepted_by, device } = writing;
    Request {
        organization: organization.to_owned(),
        process: data.creation.id,
        signature: data.signatures[position].id,
        alias: data.creation.signers[position].alias.clone(),
        at,
        documents: data.creation.documents.iter().map(|document| (document.id, document.digest.clone())).collect(),
        device,
        sample,
        image,
        accepted_by,
    }
}
