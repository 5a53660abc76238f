"""One door per outside thing. Drivers act and observe; they decide nothing."""
