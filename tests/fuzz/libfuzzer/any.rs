//! What libFuzzer calls: the target that `HOTLINE_FUZZ` names.
#![no_main]

use std::sync::LazyLock;

use fuzz_targets::Target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("HOTLINE_FUZZ").unwrap_or_default();
    fuzz_targets::target(&name).unwrap_or_else(|| panic!("HOTLINE_FUZZ={name}: there is no such target"))
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.run)(data));
