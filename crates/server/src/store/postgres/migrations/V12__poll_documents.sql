-- Room for a poll's document; V14 fills it. Never edit this once it shipped.
--
-- By itself, because the lock that this takes keeps everybody from reading, and must be held for a moment only. If it
-- is not to be had at once the node tries again.
SET LOCAL lock_timeout = '2s';

-- Text, because it gives back what was written: jsonb orders it anew, and refuses the escape of NUL.
ALTER TABLE polls ADD poll text;
