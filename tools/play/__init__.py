"""One whole visit, played through the running parts' real interfaces: `./demo --play`."""
