#!/bin/sh
# Stands in for its namesake while ./dev installs packages: their scripts start, stop and restart no
# service of the system.
exit 0
