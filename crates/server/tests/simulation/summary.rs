//! The summary counts what happened, so that a simulation in which too little happens is red.

/// `Summary` counts what happened in a run, or in many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub ballots: u64,
    pub counted: u64,
    pub not_recorded: u64,
    pub late: u64,
    pub resent_at_the_end: u64,
    pub duplicates_on_the_log: u64,
    pub crashes: u64,
    pub power_cuts: u64,
    pub views: u64,
    pub clock_jumps: u64,
    /// The number of times when the log accepted nothing.
    pub hindrances: u64,
    pub reissues: u64,
    /// The messages to viewers with a token that showed what only few may see, and those that did not.
    pub shown: u64,
    pub withheld: u64,
    /// The number of times that a word was hidden, and a node said so.
    pub hidings: u64,
}

impl Summary {
    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Self) {
        self.ballots += other.ballots;
        self.counted += other.counted;
        self.not_recorded += other.not_recorded;
        self.late += other.late;
        self.resent_at_the_end += other.resent_at_the_end;
        self.duplicates_on_the_log += other.duplicates_on_the_log;
        self.crashes += other.crashes;
        self.power_cuts += other.power_cuts;
        self.views += other.views;
        self.clock_jumps += other.clock_jumps;
        self.hindrances += other.hindrances;
        self.reissues += other.reissues;
        self.shown += other.shown;
        self.withheld += other.withheld;
        self.hidings += other.hidings;
    }

    /// Asserts that enough went wrong, because a simulation in which nothing does proves nothing.
    pub fn assert_worth_it(&self, seeds: u64) {
        assert!(self.ballots > seeds * 5 && self.counted > seeds * 2, "too few ballots");
        if seeds >= 500 {
            let rare = [self.not_recorded, self.late, self.resent_at_the_end, self.power_cuts];
            assert!(rare.iter().all(|n| *n > seeds / 100), "something never happens: {self:?}");
            assert!(self.hidings > seeds / 50, "too few words are hidden: {self:?}");
            let often = [self.duplicates_on_the_log, self.crashes, self.clock_jumps];
            assert!(often.iter().all(|n| *n > seeds), "{self:?}");
            let known = [self.reissues, self.shown, self.withheld, self.hindrances];
            assert!(known.iter().all(|n| *n > seeds / 2), "{self:?}");
        }
    }
}
