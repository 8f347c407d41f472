//! The largest images that are taken, and how much memory they take: counted by the allocator, so in a program of its own.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

use chrono::NaiveDate;
use identity::{Declared, Images, Options};
use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder, codecs::png::PngEncoder, codecs::webp::WebPEncoder};

/// The bound: bytes for one image, beside the file itself.
const MOST: usize = 150_000_000;

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that reading this file takes at the peak.
fn cost(file: &[u8]) -> usize {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let options = Options { today: NaiveDate::from_ymd_opt(2026, 11, 26).unwrap() };
    identity::read(Images { front: Some(file), back: None }, &Declared::default(), &options).expect("it is an image");
    PEAK.load(Ordering::Relaxed) - before
}

fn pixels(width: u32, height: u32, channels: u32) -> Vec<u8> {
    (0..width * height * channels).map(|at| (at / 7 % 251) as u8).collect()
}

#[test]
fn the_largest_images_take_less_memory_than_there_is_for_one() {
    let mut file = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut file, 60);
    encoder.write_image(&pixels(6600, 5000, 3), 6600, 5000, ExtendedColorType::Rgb8).unwrap();
    let jpeg = cost(&file);
    file.clear();
    PngEncoder::new(&mut file).write_image(&pixels(10_000, 6000, 1), 10_000, 6000, ExtendedColorType::L8).unwrap();
    let png = cost(&file);
    file.clear();
    WebPEncoder::new_lossless(&mut file).write_image(&pixels(4333, 3000, 3), 4333, 3000, ExtendedColorType::Rgb8).unwrap();
    let webp = cost(&file);
    assert!([jpeg, png, webp].iter().all(|cost| *cost < MOST), "JPEG {jpeg}, PNG {png}, WebP {webp}");
    assert!(png < MOST / 3, "it comes row by row: {png}");
}
