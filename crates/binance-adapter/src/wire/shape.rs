//! How a payload's object becomes a struct: known keys into fields, unknown keys kept by name. The macro `wire!` is the
//! one place where this is written; the payloads themselves are lists of fields.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::{Dec, Double, Flag, Lenient, Raw, Text};

/// Names of the fields of one object that this adapter does not know. Empty costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown(pub Vec<String>);

/// What of a payload this adapter does not know: names of fields, and values of enumerations.
pub trait Unknowns {
    /// How many there are, without naming them.
    fn unknown_count(&self) -> usize;

    /// Names them, each with the path of keys to it: `o.zz` for a field, `o.X=PARKED` for a value.
    fn unknown_names(&self, at: &str, out: &mut Vec<String>);
}

/// Scalars have nothing unknown in them.
macro_rules! plain {
    ($($type:ty),*) => { $(
        impl Unknowns for $type {
            fn unknown_count(&self) -> usize { 0 }
            fn unknown_names(&self, _at: &str, _out: &mut Vec<String>) {}
        }
    )* };
}
plain!(bool, i64, u16, u32, u64, Dec, Double, Text<'_>, Lenient<'_>, Raw<'_>, Flag);

impl<T: Unknowns> Unknowns for Option<T> {
    fn unknown_count(&self) -> usize {
        self.as_ref().map_or(0, Unknowns::unknown_count)
    }

    fn unknown_names(&self, at: &str, out: &mut Vec<String>) {
        if let Some(value) = self {
            value.unknown_names(at, out);
        }
    }
}

impl<T: Unknowns> Unknowns for Vec<T> {
    fn unknown_count(&self) -> usize {
        self.iter().map(Unknowns::unknown_count).sum()
    }

    fn unknown_names(&self, at: &str, out: &mut Vec<String>) {
        for row in self {
            row.unknown_names(at, out);
        }
    }
}

/// An object whose keys are data and not names of fields: its values by key, in the order of the document. A value of another
/// form is kept as an unknown by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed<'a, T> {
    /// What could be read.
    pub rows: Vec<(Text<'a>, T)>,
    /// Keys whose values could not.
    pub unknown: Unknown,
}

impl<T: Unknowns> Unknowns for Keyed<'_, T> {
    fn unknown_count(&self) -> usize {
        self.unknown.0.len() + self.rows.iter().map(|(_, value)| value.unknown_count()).sum::<usize>()
    }

    fn unknown_names(&self, at: &str, out: &mut Vec<String>) {
        out.extend(self.unknown.0.iter().map(|key| path(at, key)));
        for (_, value) in &self.rows {
            value.unknown_names(at, out);
        }
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Keyed<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyedVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for KeyedVisitor<T> {
            type Value = Keyed<'de, T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut rows, mut unknown) = (Vec::new(), Vec::new());
                while let Some((key, value)) = map.next_entry::<Text<'de>, Raw<'de>>()? {
                    match serde_json::from_str(value.0) {
                        Ok(value) => rows.push((key, value)),
                        Err(_) => unknown.push(key.as_str().to_owned()),
                    }
                }
                Ok(Keyed { rows, unknown: Unknown(unknown) })
            }
        }
        deserializer.deserialize_map(KeyedVisitor(std::marker::PhantomData))
    }
}

/// The path to a key inside the object at `at`.
pub(crate) fn path(at: &str, key: &str) -> String {
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}

/// The key of an object, borrowed unless it was escaped.
pub(crate) enum Key<'a> {
    Borrowed(&'a str),
    Owned(String),
}

impl Key<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(key) => key,
            Self::Owned(key) => key,
        }
    }

    pub(crate) fn into_string(self) -> String {
        match self {
            Self::Borrowed(key) => key.to_owned(),
            Self::Owned(key) => key,
        }
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field")
            }
            fn visit_borrowed_str<E: de::Error>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Key::Borrowed(key))
            }
            fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Key::Owned(key.to_owned()))
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

/// The top of a document: its keys, or the keys of the first object of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    list: bool,
    keys: Vec<String>,
}

impl Shape {
    pub(crate) fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|own| own == key)
    }

    /// An object without keys.
    pub(crate) fn is_empty(&self) -> bool {
        !self.list && self.keys.is_empty()
    }

    /// A list without rows, or whose first row is an object without keys.
    pub(crate) fn is_empty_list(&self) -> bool {
        self.list && self.keys.is_empty()
    }

    /// Whether there are no keys but these.
    pub(crate) fn is_only(&self, keys: &[&str]) -> bool {
        self.keys.iter().all(|own| keys.contains(&own.as_str()))
    }

    /// The first few keys, for people.
    pub(crate) fn keys_told(&self) -> String {
        const TOLD: usize = 6;
        let clipped = self.keys.iter().take(TOLD).map(|key| format!("`{}`", key.chars().take(40).collect::<String>()));
        let more = if self.keys.len() > TOLD { ", …" } else { "" };
        format!("{}{more}", clipped.collect::<Vec<_>>().join(", "))
    }

    pub(crate) const fn is_list(&self) -> bool {
        self.list
    }
}

/// Looks at the top of a document.
pub(crate) fn shape_of(text: &str) -> Result<Shape, serde_json::Error> {
    serde_json::from_str(text)
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ShapeVisitor;
        impl<'de> Visitor<'de> for ShapeVisitor {
            type Value = Shape;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a list of objects")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some(key) = map.next_key::<Key<'de>>()? {
                    keys.push(key.into_string());
                    map.next_value::<de::IgnoredAny>()?;
                }
                Ok(Shape { list: false, keys })
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let first = seq.next_element::<Shape>()?.unwrap_or_default();
                while seq.next_element::<de::IgnoredAny>()?.is_some() {}
                Ok(Shape { list: true, keys: first.keys })
            }
        }
        deserializer.deserialize_any(ShapeVisitor)
    }
}

/// Declares payload objects.
///
/// `must "key" field: Type` is mandatory, `may "key" field: Type` becomes an `Option` (absent and `null` alike), and
/// `skip "key"` is documented but not needed. A key that comes twice refuses the object.
macro_rules! wire {
    ($(
        $(#[$doc:meta])*
        $vis:vis struct $name:ident<'a> {
            $( must { $( $(#[$must_doc:meta])* $must_key:literal $must:ident : $must_type:ty, )* } )?
            $( may { $( $(#[$may_doc:meta])* $may_key:literal $may:ident : $may_type:ty, )* } )?
            $( skip { $( $skip_key:literal ),* $(,)? } )?
        }
    )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $vis struct $name<'a> {
            $( $( $(#[$must_doc])* pub $must: $must_type, )* )?
            $( $( $(#[$may_doc])* pub $may: Option<$may_type>, )* )?
            /// Fields that this adapter does not know.
            pub unknown: $crate::wire::Unknown,
            #[doc(hidden)]
            pub borrows: std::marker::PhantomData<&'a str>,
        }

        impl $crate::wire::Unknowns for $name<'_> {
            fn unknown_count(&self) -> usize {
                self.unknown.0.len()
                    $( $( + $crate::wire::Unknowns::unknown_count(&self.$must) )* )?
                    $( $( + $crate::wire::Unknowns::unknown_count(&self.$may) )* )?
            }

            fn unknown_names(&self, at: &str, out: &mut Vec<String>) {
                if $crate::wire::Unknowns::unknown_count(self) == 0 {
                    return;
                }
                out.extend(self.unknown.0.iter().map(|key| $crate::wire::shape::path(at, key)));
                $( $( $crate::wire::Unknowns::unknown_names(
                    &self.$must, &$crate::wire::shape::path(at, $must_key), out
                ); )* )?
                $( $( $crate::wire::Unknowns::unknown_names(
                    &self.$may, &$crate::wire::shape::path(at, $may_key), out
                ); )* )?
            }
        }

        impl<'de: 'a, 'a> serde::Deserialize<'de> for $name<'a> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Object<'a>(std::marker::PhantomData<&'a str>);
                impl<'de: 'a, 'a> serde::de::Visitor<'de> for Object<'a> {
                    type Value = $name<'a>;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("the object ", stringify!($name)))
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                        use serde::de::Error as _;
                        $( $( let mut $must: Option<$must_type> = None; )* )?
                        $( $( let mut $may: Option<Option<$may_type>> = None; )* )?
                        let mut unknown = Vec::new();
                        while let Some(key) = map.next_key::<$crate::wire::shape::Key<'de>>()? {
                            match key.as_str() {
                                $( $( $must_key => {
                                    if $must.replace(map.next_value()?).is_some() {
                                        return Err(A::Error::duplicate_field($must_key));
                                    }
                                } )* )?
                                $( $( $may_key => {
                                    if $may.replace(map.next_value()?).is_some() {
                                        return Err(A::Error::duplicate_field($may_key));
                                    }
                                } )* )?
                                $( $( $skip_key )|* => { map.next_value::<serde::de::IgnoredAny>()?; } )?
                                _ => {
                                    unknown.push(key.into_string());
                                    map.next_value::<serde::de::IgnoredAny>()?;
                                }
                            }
                        }
                        Ok($name {
                            $( $( $must: $must.ok_or_else(|| A::Error::missing_field($must_key))?, )* )?
                            $( $( $may: $may.flatten(), )* )?
                            unknown: $crate::wire::Unknown(unknown),
                            borrows: std::marker::PhantomData,
                        })
                    }
                }
                deserializer.deserialize_map(Object(std::marker::PhantomData))
            }
        }
    )* };
}
pub(crate) use wire;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Dec, Text};

    wire! {
        /// A sample.
        #[expect(unreachable_pub, reason = "the macro makes public payloads")]
        pub struct Sample<'a> {
            must {
                /// Symbol.
                "s" symbol: Text<'a>,
                /// Quantity.
                "q" qty: Dec,
            }
            may {
                /// Fee.
                "n" fee: Dec,
            }
            skip { "si", "ss" }
        }
    }

    #[test]
    fn fields_are_found_in_any_order() {
        let sample: Sample<'_> = crate::wire::read(r#"{"si":[1,{"x":2}],"q":"1.50","n":null,"s":"BTCUSDT"}"#).unwrap();
        assert_eq!(sample.symbol.as_str(), "BTCUSDT");
        assert_eq!(sample.qty.0.to_string(), "1.50");
        assert_eq!(sample.fee, None);
        assert_eq!(sample.unknown, Unknown::default());
    }

    #[test]
    fn unknown_fields_are_kept_by_name() {
        let sample: Sample<'_> = crate::wire::read(r#"{"s":"A","zz":{"deep":[1]},"q":"1","n":"0","new":1}"#).unwrap();
        assert_eq!(sample.unknown.0, ["zz", "new"]);
        assert_eq!(sample.unknown_count(), 2);
        let mut names = Vec::new();
        Some(vec![sample]).unknown_names("o", &mut names);
        assert_eq!(names, ["o.zz", "o.new"]);
    }

    #[test]
    fn a_missing_a_doubled_and_a_mistyped_field_refuse_the_object() {
        assert!(crate::wire::read::<Sample<'_>>(r#"{"s":"A"}"#).is_err());
        assert!(crate::wire::read::<Sample<'_>>(r#"{"s":"A","q":"1","q":"2"}"#).is_err());
        assert!(crate::wire::read::<Sample<'_>>(r#"{"s":"A","q":"1","n":"0","n":"0"}"#).is_err());
        assert!(crate::wire::read::<Sample<'_>>(r#"{"s":"A","q":1}"#).is_err());
        assert!(crate::wire::read::<Sample<'_>>(r#"[]"#).is_err());
    }
}
