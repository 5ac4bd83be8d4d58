//! Linked internet accounts referred without the order that asks for them (APL 22), and by a rule.
use duecourse::engine::lead::{LeadKind, Referral};

fn main() {
    let _: Referral = Referral::LinkedAccounts;
    let _: LeadKind = LeadKind::InternetAccount;
}
