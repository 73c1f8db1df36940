"""A small hospital system (HIS): it sends patients, prescriptions and reports by HL7 v2, and takes what it is sent."""
