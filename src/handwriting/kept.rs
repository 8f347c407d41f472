//! What waits for the seals: envelope, and ink or picture, as one file, so that a signature costs one file and gives up one.

use base64::{Engine, engine::general_purpose::STANDARD};
use biometric::Ink;
use bytes::Bytes;
use documents::{InkPoint, handwriting};
use serde::{Deserialize, Serialize};

use super::Error;

/// The file in clear; it is sealed as all files of processes are. Bytes are in base64.
#[derive(Serialize, Deserialize)]
struct Kept {
    envelope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ink: Option<Ink>,
    /// The picture as it was sent; only where there is no ink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
}

/// What is drawn of a signature.
pub(super) enum Drawn {
    Ink(Ink),
    /// The picture's file.
    Picture(Vec<u8>),
}

pub(super) fn write(envelope: &[u8], drawn: Drawn) -> Result<Bytes, Error> {
    let (ink, picture) = match drawn {
        Drawn::Ink(ink) => (Some(ink), None),
        Drawn::Picture(file) => (None, Some(STANDARD.encode(file))),
    };
    let kept = Kept { envelope: STANDARD.encode(envelope), ink, picture };
    serde_json::to_vec(&kept).map(Bytes::from).map_err(|_| Error::Unreadable("its ink"))
}

/// Takes processor time where there is a picture.
pub(super) fn read(bytes: &[u8]) -> Result<documents::Handwriting, Error> {
    let kept: Kept = serde_json::from_slice(bytes).map_err(|_| Error::Unreadable("its form"))?;
    let envelope = STANDARD.decode(kept.envelope).map_err(|_| Error::Unreadable("its envelope"))?;
    let picture = kept.picture.map(|text| {
        let file = STANDARD.decode(text).map_err(|_| Error::Unreadable("its picture"))?;
        handwriting::picture(&file).map_err(|_| Error::Unreadable("its picture"))
    });
    Ok(documents::Handwriting { envelope, ink: kept.ink.map(ink), picture: picture.transpose()? })
}

fn ink(ink: Ink) -> documents::Ink {
    let point = |point: biometric::InkPoint| InkPoint { x: point.x, y: point.y, class: point.class };
    let strokes = ink.strokes.into_iter().map(|stroke| stroke.into_iter().map(point).collect()).collect();
    documents::Ink { width: ink.width, height: ink.height, strokes }
}
