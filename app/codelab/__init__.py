"""The ten steps as a learner meets them (W-11, W-14): what each is, the lines of our own source
that do it, a question and what was answered. No HTTP in here; `web.codelab` makes pages of it."""
