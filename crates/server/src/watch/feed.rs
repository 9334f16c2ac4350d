//! Brings announcements from the log's feed to the hub. SKELETON.
