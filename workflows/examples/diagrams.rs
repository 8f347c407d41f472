//! Prints `docs/machines.md`.

fn main() {
    print!("{}", workflows::diagram::page());
}
