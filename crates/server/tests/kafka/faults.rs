//! Brokers that die, and brokers that freeze, under load: what was acknowledged stays, and what
//! was not is honest.
