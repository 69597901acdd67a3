//! Ids made from a key, so that everybody who has the key finds the same home.

use proto::{Bucket, Id, Shard};

/// Where a phone is looked up: every caller with this number meets the same writer. `token` is
/// the vault's keyed token of the whole normalised phone.
pub fn phone_book(token: &str) -> Id {
    of("phone", token)
}

/// The asset behind a plate or a VIN. `token` is the vault's keyed token of it.
pub fn asset(token: &str) -> Id {
    of("asset", token)
}

/// A ticket without a customer lives at its branch.
pub fn branch_bucket(code: &str) -> Bucket {
    of("branch", code).bucket()
}

/// The almanac of a branch under a rule book, where its cases without customers live.
pub fn almanac(playbook: &str, branch: &str) -> Id {
    let hash = digest("almanac", &format!("{playbook}/{branch}"));
    Id::of_hash(tail(&hash), branch_bucket(branch))
}

/// The one counter of a shard.
pub fn counter(shard: Shard) -> Id {
    let hash = digest("counter", &shard.to_string());
    Id::of_hash(tail(&hash), Bucket::first_of(shard))
}

fn of(kind: &str, key: &str) -> Id {
    let hash = digest(kind, key);
    let head = hash.first_chunk().expect("a hash has 32 bytes");
    Id::of_hash(tail(&hash), Bucket::of_hash(u64::from_le_bytes(*head)))
}

fn digest(kind: &str, key: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes()).update(&[0]).update(key.as_bytes());
    *hasher.finalize().as_bytes()
}

fn tail(hash: &[u8; 32]) -> [u8; 16] {
    *hash.last_chunk().expect("a hash has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_gives_the_same_id_and_other_kinds_another() {
        assert_eq!(phone_book("t"), phone_book("t"));
        assert_ne!(phone_book("t"), phone_book("u"));
        assert_ne!(phone_book("t"), asset("t"));
    }

    #[test]
    fn keys_spread_over_all_shards() {
        let mut count = [0; proto::SHARDS as usize];
        (0..1600).for_each(|n| count[usize::from(asset(&n.to_string()).shard().number())] += 1);
        assert!(count.iter().all(|n| *n > 50), "{count:?}");
    }

    #[test]
    fn a_counter_lives_in_its_own_shard() {
        assert!(Shard::all().all(|shard| counter(shard).shard() == shard));
    }
}
