//! Reading records back, in order, each checked again on the way. One segment is in memory at a time.

use std::collections::VecDeque;

use crate::disk::{Disk, read_file};
use crate::error::{Context, Damage, OpenError};
use crate::format::{SEGMENT_HEADER, SegmentHeader, decode_group, record_at};
use crate::recovery::{Found, Recovery};

/// A record as it was appended, with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Number of the record, from 1, without gaps.
    pub seq: u64,
    /// Epoch of the life that wrote it.
    pub epoch: u64,
    /// The writer's kind.
    pub kind: u16,
    /// The writer's version of that kind.
    pub version: u8,
    /// The writer's bytes.
    pub payload: Vec<u8>,
}

/// A stretch of a segment that holds valid groups.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub name: String,
    pub first_seq: u64,
    pub end: usize,
}

/// Iterator over the records of a journal; ends after the first error.
#[derive(Debug)]
pub struct Records<'a, D: Disk> {
    disk: &'a mut D,
    spans: VecDeque<Span>,
    from: u64,
    segment: Loaded,
}

/// The segment being read, and the place in it.
#[derive(Debug, Default)]
struct Loaded {
    name: String,
    bytes: Vec<u8>,
    seed: u32,
    end: usize,
    group_at: usize,
    /// Body of the current group, as a range of `bytes`.
    body: std::ops::Range<usize>,
    record_at: usize,
    left: u32,
    seq: u64,
    epoch: u64,
}

impl<'a, D: Disk> Records<'a, D> {
    pub(crate) fn new(disk: &'a mut D, spans: &[Span], from: u64) -> Result<Self, OpenError> {
        let from = from.max(1);
        if let Some(first) = spans.first().filter(|s| s.first_seq > from) {
            return Err(OpenError::Dropped { asked: from, first: first.first_seq });
        }
        // A span is needed unless the one behind it still begins at or before the record asked for.
        let skip = spans.iter().skip(1).take_while(|s| s.first_seq <= from).count();
        Ok(Self { disk, spans: spans.iter().skip(skip).cloned().collect(), from, segment: Loaded::default() })
    }

    fn load(&mut self, span: Span) -> Result<(), OpenError> {
        let bytes = read_file(self.disk, &span.name).on("read", &span.name)?;
        let Ok((header, seed)) = SegmentHeader::decode(&bytes) else {
            return Err(damaged(&span.name, 0, Damage::Header));
        };
        self.segment = Loaded {
            name: span.name,
            bytes,
            seed,
            end: span.end,
            group_at: SEGMENT_HEADER,
            seq: header.first_seq,
            ..Loaded::default()
        };
        Ok(())
    }

    /// Whether a group on the disk ends with the record that was given last.
    #[cfg(feature = "redis")]
    pub(crate) const fn at_group_end(&self) -> bool {
        self.segment.left == 0
    }

    fn advance(&mut self) -> Result<Option<Record>, OpenError> {
        loop {
            if self.segment.left > 0 {
                let record = self.segment.record()?;
                if record.seq >= self.from {
                    return Ok(Some(record));
                }
            } else if self.segment.group_at < self.segment.end {
                self.segment.group(self.from)?;
            } else if let Some(span) = self.spans.pop_front() {
                self.load(span)?;
            } else {
                return Ok(None);
            }
        }
    }
}

impl Loaded {
    fn group(&mut self, from: u64) -> Result<(), OpenError> {
        let at = self.group_at;
        let bytes = self.bytes.get(at..self.end).unwrap_or(&[]);
        let Some(group) = decode_group(bytes, self.seed) else {
            return Err(damaged(&self.name, at, Damage::Group));
        };
        let body_at = at + crate::format::GROUP_HEADER;
        self.group_at = at + group.len;
        self.seq = group.fields.first_seq;
        self.epoch = group.fields.epoch;
        self.body = body_at..body_at + group.body.len();
        self.record_at = 0;
        // A group that ends before the first record asked for is not taken apart.
        self.left = if self.seq + u64::from(group.fields.count) > from { group.fields.count } else { 0 };
        Ok(())
    }

    fn record(&mut self) -> Result<Record, OpenError> {
        let body = self.bytes.get(self.body.clone()).unwrap_or(&[]);
        let Some(raw) = record_at(body, self.record_at) else {
            return Err(damaged(&self.name, self.body.start, Damage::Group));
        };
        let record =
            Record { seq: self.seq, epoch: self.epoch, kind: raw.kind, version: raw.version, payload: raw.payload.to_vec() };
        self.record_at = raw.next;
        self.left -= 1;
        self.seq += 1;
        Ok(record)
    }
}

impl<D: Disk> Iterator for Records<'_, D> {
    type Item = Result<Record, OpenError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.advance();
        if item.is_err() {
            self.spans.clear();
            self.segment = Loaded::default();
        }
        item.transpose()
    }
}

fn damaged(file: &str, offset: usize, what: Damage) -> OpenError {
    OpenError::Corrupt { file: file.to_owned(), offset: offset as u64, what }
}

/// Reads records of a journal from a number on, without a lock; for tools, also beside a running writer. Checks the whole journal first.
///
/// # Errors
/// What [`verify`](crate::verify) refuses, and [`OpenError::Dropped`].
pub fn read<D: Disk>(disk: &mut D, from: u64) -> Result<Records<'_, D>, OpenError> {
    let found = Found::read(disk, None)?;
    Records::new(disk, &found.spans(), from)
}

/// What a journal holds, and all its records that are still there, without a lock; as [`read`].
///
/// # Errors
/// What [`verify`](crate::verify) refuses.
pub fn read_kept<D: Disk>(disk: &mut D) -> Result<(Recovery, Records<'_, D>), OpenError> {
    let found = Found::read(disk, None)?;
    let (report, spans) = (found.report(), found.spans());
    let records = Records::new(disk, &spans, report.first_seq)?;
    Ok((report, records))
}
