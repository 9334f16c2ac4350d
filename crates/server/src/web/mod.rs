//! The embedded front end. SKELETON.
