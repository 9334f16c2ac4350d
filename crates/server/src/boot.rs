//! The only file that names concrete backends. SKELETON.
