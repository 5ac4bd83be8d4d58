//! What only a real broker can show. `DUECOURSE_KAFKA=host:port` names it; without it these tests fail.

mod cluster;
mod deciding;
mod demo;
mod intake;
mod membership;
