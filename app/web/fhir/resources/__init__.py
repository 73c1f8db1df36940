"""What is told in FHIR R4: each file turns one kind of record into a resource, and asks nobody for anything."""
