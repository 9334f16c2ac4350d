-- Room for an event's document; V14 fills it. Never edit this once it shipped.
--
-- By itself, because readers of polls and events lock them in either order: whoever held both here could wait for a
-- reader who waits for them.
SET LOCAL lock_timeout = '2s';

ALTER TABLE events ADD event text;
