//! What parent and worker say to each other: a length of four bytes, the lowest first, then JSON; behind a job's JSON the bytes of its
//! files, behind a reply's those of the picture, the PDF or the pages that it tells of.

use std::io::{self, Read};

use identity::{Declared, Reading, Side};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Comparison, Limits, MAX_PIXELS, Mask, PageImage, Picture, Undrawn, Width};

/// Longest JSON, in bytes: of a job with some ten thousand masks, of a reply with a thousand pages.
pub const MAX_HEAD: usize = 1 << 20;

/// Most files of a job.
pub const MAX_FILES: usize = 3;

/// Longest file of a reply, in bytes: a picture of a page of the maximum size that cannot be compressed, and what a PNG file adds to it. No PDF of
/// a template comes near.
pub const MAX_MADE: usize = 4 * MAX_PIXELS as usize;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub task: Task,
    /// Bytes of each of the files that follow.
    pub files: Vec<u64>,
    /// Processor time, in seconds.
    pub seconds: u64,
}

/// Kinds of jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Task {
    /// Compare two revisions of a document.
    Compare {
        /// If the revision after begins with the one before: how many bytes of it that is. Then only one file follows, else the two revisions.
        before: Option<u64>,
        masks: Vec<Mask>,
        limits: Limits,
    },
    /// Read the images of an identity document, one for each of these sides.
    ReadIdentity { sides: Vec<Side>, declared: Declared, options: identity::Options },
    /// Draw this page of a document, counted from 0.
    Draw { page: usize },
    /// Draw this page of a document, counted from 0, for a browser.
    DrawPage { page: usize, width: Width },
    /// Tell sizes and text of so many pages of a document from this one on, counted from 0.
    ReadPages { from: usize, count: usize, with_text: bool },
    /// Say what is wrong with a template. Two files: the template and its schema.
    CheckHtml { language: String, target: html::Target },
    /// Make a PDF. Three files: the template, its schema and the data.
    RenderHtml { language: String, target: html::Target, title: String, created: i64 },
}

/// What a job resulted in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    Compared(Comparison),
    IdentityRead(Result<Reading, identity::Error>),
    /// The picture's bytes follow.
    Drawn(Result<Picture, Undrawn>),
    /// The image's bytes follow.
    PageDrawn(Result<PageImage, Undrawn>),
    /// The pages follow as JSON: they may be many times as long as any other reply.
    PagesRead(Result<PagesJson, Undrawn>),
    HtmlChecked(Result<(), Vec<html::Problem>>),
    /// The PDF's bytes follow.
    HtmlRendered(Result<Made, html::Failure>),
}

/// A PDF that was made of a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Made {
    pub pages: usize,
    #[serde(skip)]
    pub pdf: Vec<u8>,
}

/// [`crate::Pages`] as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PagesJson {
    #[serde(skip)]
    pub json: Vec<u8>,
}

impl Outcome {
    /// The file that was made, whose bytes follow the JSON.
    fn made(&mut self) -> Option<&mut Vec<u8>> {
        match self {
            Self::Drawn(Ok(picture)) => Some(&mut picture.png),
            Self::PageDrawn(Ok(image)) => Some(&mut image.bytes),
            Self::PagesRead(Ok(pages)) => Some(&mut pages.json),
            Self::HtmlRendered(Ok(made)) => Some(&mut made.pdf),
            _ => None,
        }
    }
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// `None` if the work panicked.
    pub outcome: Option<Outcome>,
    /// Memory that the worker had at its peak, in KiB, where the system tells.
    pub peak_kib: Option<u64>,
    /// Bytes of the file that follow.
    made: usize,
}

impl Job {
    /// The JSON with its length; the files follow.
    ///
    /// # Errors
    /// If it is too long.
    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        frame(self)
    }

    /// The next job, `None` at the end of the input.
    ///
    /// # Errors
    /// What cannot be read or is none.
    pub fn read(input: &mut impl Read) -> io::Result<Option<Self>> {
        read(input)
    }
}

impl Reply {
    pub fn new(mut outcome: Option<Outcome>, peak_kib: Option<u64>) -> Self {
        let made = outcome.as_mut().and_then(Outcome::made).map_or(0, |made| made.len());
        Self { outcome, peak_kib, made }
    }

    /// The JSON with its length, and the file that was made.
    ///
    /// # Errors
    /// If it is too long.
    pub fn into_bytes(mut self) -> io::Result<Vec<u8>> {
        let mut bytes = frame(&self)?;
        if let Some(made) = self.outcome.as_mut().and_then(Outcome::made) {
            bytes.append(made);
        }
        Ok(bytes)
    }

    /// A reply, if `bytes` hold it whole.
    ///
    /// # Errors
    /// What is none.
    pub fn parse(bytes: &[u8]) -> io::Result<Option<Self>> {
        let Some((len, rest)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
        let Some((json, rest)) = rest.split_at_checked(checked(*len)?) else { return Ok(None) };
        let mut reply: Self = serde_json::from_slice(json)?;
        if reply.made > MAX_MADE {
            return Err(io::Error::other("what was made is too long"));
        }
        let Some(bytes) = rest.get(..reply.made) else { return Ok(None) };
        if let Some(made) = reply.outcome.as_mut().and_then(Outcome::made) {
            *made = bytes.to_vec();
        }
        Ok(Some(reply))
    }
}

fn frame(head: &impl Serialize) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(head)?;
    let len = u32::try_from(json.len()).ok().filter(|_| json.len() <= MAX_HEAD);
    let len = len.ok_or_else(|| io::Error::other("a frame is too long"))?;
    let mut bytes = len.to_le_bytes().to_vec();
    bytes.extend(json);
    Ok(bytes)
}

fn read<T: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<T>> {
    let mut len = [0; 4];
    // The end of the input between two frames is the end; within one it is an error.
    if input.read(&mut len[..1])? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut len[1..])?;
    let mut json = vec![0; checked(len)?];
    input.read_exact(&mut json)?;
    Ok(Some(serde_json::from_slice(&json)?))
}

fn checked(len: [u8; 4]) -> io::Result<usize> {
    let len = u32::from_le_bytes(len) as usize;
    if len <= MAX_HEAD { Ok(len) } else { Err(io::Error::other("a frame is too long")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        let masks = vec![Mask { page: 1, rect: [1.5, 2.0, 3.0, 4.25] }];
        Job { task: Task::Compare { before: Some(3), masks, limits: Limits::default() }, files: vec![5], seconds: 10 }
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = [job().to_bytes().unwrap(), b"%PDF-".to_vec(), job().to_bytes().unwrap()].concat();
        let mut input = bytes.as_slice();
        assert_eq!(Job::read(&mut input).unwrap(), Some(job()));
        assert_eq!(input.split_off(..5), Some(b"%PDF-".as_slice()));
        assert_eq!(Job::read(&mut input).unwrap(), Some(job()));
        assert_eq!(Job::read(&mut input).unwrap(), None);
    }

    #[test]
    fn a_reply_is_parsed_once_it_is_whole() {
        let picture = Picture { pages: 2, is_incomplete: false, png: b"a picture".to_vec() };
        let made = Made { pages: 3, pdf: b"%PDF-1.7".to_vec() };
        let outcomes = [
            Outcome::Drawn(Ok(picture)),
            Outcome::Drawn(Err(Undrawn::Unreadable)),
            Outcome::PageDrawn(Err(Undrawn::NoSuchPage { pages: 2 })),
            Outcome::PagesRead(Ok(PagesJson { json: b"{}".to_vec() })),
            Outcome::HtmlChecked(Ok(())),
            Outcome::HtmlRendered(Ok(made)),
        ];
        for outcome in outcomes.map(Some).into_iter().chain([None]) {
            let reply = Reply::new(outcome, Some(7));
            let bytes = reply.clone().into_bytes().unwrap();
            for end in 0..bytes.len() {
                assert_eq!(Reply::parse(&bytes[..end]).unwrap(), None);
            }
            assert_eq!(Reply::parse(&bytes).unwrap(), Some(reply));
        }
    }

    #[test]
    fn what_is_no_frame_or_too_long_is_an_error() {
        assert!(Reply::parse(&[255, 255, 255, 255]).is_err());
        assert!(Reply::parse(b"\x02\0\0\0[]").is_err());
        let endless = Reply { made: MAX_MADE + 1, ..Reply::new(None, None) };
        assert!(Reply::parse(&endless.into_bytes().unwrap()).is_err());
        assert!(Job::read(&mut [255, 255, 255, 255].as_slice()).is_err());
        assert!(Job::read(&mut [5, 0, 0, 0, b'{'].as_slice()).is_err());
        assert!(Job::read(&mut [5].as_slice()).is_err());
        let masks = vec![Mask { page: 1, rect: [0.123; 4] }; MAX_HEAD / 8];
        let many = Job { task: Task::Compare { before: None, masks, limits: Limits::default() }, ..job() };
        assert!(many.to_bytes().is_err());
    }
}
