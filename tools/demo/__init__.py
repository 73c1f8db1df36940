"""The demo hospital on one machine: `./demo`. Standard library only, for it runs before anything is installed."""
