//! The files of `config/` that this program is built with. A test holds the list to the folder.

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../config/", $path)))),*]
    };
}

/// Every file of the shipped bundle: path below `config/`, text.
pub(super) const FILES: &[(&str, &str)] = files![
    "calendar.toml",
    "limits/bank_accounts_i.toml",
    "limits/bank_accounts_ii.toml",
    "limits/bank_accounts_iii.toml",
    "limits/payment_accounts_iii.toml",
    "limits/phone_cards_all_carriers.toml",
    "limits/phone_cards_per_carrier.toml",
    "notices/bases.toml",
    "notices/channels.toml",
    "notices/measures.toml",
    "notices/reasons.toml",
    "notices/remedies.toml",
    "protections/livelihood_account.toml",
    "rules/agent_opening_burst.toml",
    "rules/fan_in.toml",
    "rules/fan_out.toml",
    "rules/new_payee_large_payment.toml",
    "rules/pass_through.toml",
    "rules/shared_device_account.toml",
    "rules/shared_device_opening.toml",
    "rules/shared_phone_number_opening.toml",
    "settings.toml",
    "signals/account_flow.toml",
    "signals/livelihood.toml",
    "signals/payee_history.toml",
    "signals/shared_subjects.toml",
];
