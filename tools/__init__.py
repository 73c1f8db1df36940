"""What whoever builds, tries and shows the hospital's software starts: set-up, demo, played visit, checks."""
