//! Feeds: what reaches the log of a subject, and what may trigger a rule.

/// The kinds of event that can feed a signal or trigger a rule, seen from one role.
/// The numbers are part of the packed form and of snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Feed {
    /// A transfer, on the payer's account. `other` = the payee.
    TransferPayer = 1,
    /// A transfer, on the payee's account. `other` = the payer.
    TransferPayee = 2,
    /// A card payment, on the card's account. `other` = the terminal.
    CardPaymentCard = 3,
    /// A card payment, at the terminal. `other` = the holder.
    CardPaymentTerminal = 4,
    /// A request to open, on the holder. `other` = the opening.
    OpeningRequestedHolder = 5,
    /// A request to open, at the agent who brought it. `other` = the holder.
    OpeningRequestedAgent = 6,
    /// A request to open, from a device. `other` = the holder.
    OpeningRequestedDevice = 7,
    /// A request to open, giving a contact phone number. `other` = the holder.
    OpeningRequestedPhoneNumber = 8,
    /// A request to open, at an outlet. `other` = the holder.
    OpeningRequestedOutlet = 9,
    /// A transfer, from a device. `other` = the payer's holder.
    TransferDevice = 10,
    /// Use of a phone card, on the card. `other` = the device.
    CardUsageCard = 11,
    /// Use of a phone card, in a device. `other` = the holder.
    CardUsageDevice = 12,
    /// A call placed, on the card. `other` = the number called.
    CallPlacedCard = 13,
    /// A call received, on the card. `other` = the number that called.
    CallReceivedCard = 14,
    /// A message sent, on the card. `other` = the number it went to.
    MessageSentCard = 15,
    /// Salary or pension received, on the account. `other` = the payer. For protections only (D27).
    LivelihoodPayee = 16,
    /// A fraud was confirmed in which the account paid (or the card was used). `other` = the other side.
    FraudConfirmedPayer = 17,
    /// A fraud was confirmed in which the account was paid. `other` = the payer.
    FraudConfirmedPayee = 18,
    /// A card payment at the terminal was confirmed as fraud. `other` = the holder.
    FraudConfirmedTerminal = 19,
    /// A request to open, giving an address. `other` = the holder.
    OpeningRequestedAddress = 20,
    /// The device of an event, on the party and its holder, as data of Art. 18(4): held while an anomaly is
    /// open (S22). `other` = the device.
    DeviceSeenCustomer = 21,
    /// The location of an event, in the same way. `other` = the location.
    LocationSeenCustomer = 22,
    /// A measure of victim protection was set on the payer's account. `other` = the payee. Made by the
    /// engine itself, for victim protection only (S21).
    VictimWarnedPayer = 24,
    /// A request of a unit to open, naming its legal representative. `other` = the holder.
    OpeningRequestedLegalRepresentative = 25,
    /// A device with an IoT card was sold by a reseller who is an agent. `other` = the user.
    DeviceSaleAgent = 26,
    /// The same by an outlet.
    DeviceSaleOutlet = 27,
    /// Devices in stock at an agent: their number stands in the place of an amount, without a currency.
    DeviceStockAgent = 28,
    /// The same at an outlet.
    DeviceStockOutlet = 29,
    /// A transfer of which the payee was told something about its payer (`report = "payee"`), on the
    /// payee's account. `other` = the payer. Made by the engine itself (S21).
    PassedOnPayee = 30,
    /// An essential transfer, on the account of either side: that the account is in use, and nothing else of it. No
    /// other side, no amount, not of which kind. For protections only (D20, D27).
    EssentialPosted = 31,
}

impl Feed {
    /// The feeds of data of abnormal customers (APL 18(4), S22), as a set of bits.
    pub const OF_ABNORMAL: u32 = 1 << Feed::DeviceSeenCustomer as u8 | 1 << Feed::LocationSeenCustomer as u8;

    pub const ALL: [Feed; 30] = [
        Feed::TransferPayer,
        Feed::TransferPayee,
        Feed::CardPaymentCard,
        Feed::CardPaymentTerminal,
        Feed::OpeningRequestedHolder,
        Feed::OpeningRequestedAgent,
        Feed::OpeningRequestedDevice,
        Feed::OpeningRequestedPhoneNumber,
        Feed::OpeningRequestedOutlet,
        Feed::TransferDevice,
        Feed::CardUsageCard,
        Feed::CardUsageDevice,
        Feed::CallPlacedCard,
        Feed::CallReceivedCard,
        Feed::MessageSentCard,
        Feed::LivelihoodPayee,
        Feed::FraudConfirmedPayer,
        Feed::FraudConfirmedPayee,
        Feed::FraudConfirmedTerminal,
        Feed::OpeningRequestedAddress,
        Feed::DeviceSeenCustomer,
        Feed::LocationSeenCustomer,
        Feed::VictimWarnedPayer,
        Feed::OpeningRequestedLegalRepresentative,
        Feed::DeviceSaleAgent,
        Feed::DeviceSaleOutlet,
        Feed::DeviceStockAgent,
        Feed::DeviceStockOutlet,
        Feed::PassedOnPayee,
        Feed::EssentialPosted,
    ];

    /// The name in signal and rule files: event type, a dot, the role.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Feed::TransferPayer => "transfer_posted.payer",
            Feed::TransferPayee => "transfer_posted.payee",
            Feed::CardPaymentCard => "card_payment_posted.card",
            Feed::CardPaymentTerminal => "card_payment_posted.terminal",
            Feed::OpeningRequestedHolder => "opening_requested.holder",
            Feed::OpeningRequestedAgent => "opening_requested.agent",
            Feed::OpeningRequestedDevice => "opening_requested.device",
            Feed::OpeningRequestedPhoneNumber => "opening_requested.phone_number",
            Feed::OpeningRequestedOutlet => "opening_requested.outlet",
            Feed::TransferDevice => "transfer_posted.device",
            Feed::CardUsageCard => "card_usage_recorded.card",
            Feed::CardUsageDevice => "card_usage_recorded.device",
            Feed::CallPlacedCard => "call_placed.card",
            Feed::CallReceivedCard => "call_received.card",
            Feed::MessageSentCard => "message_sent.card",
            Feed::LivelihoodPayee => "livelihood_received.payee",
            Feed::FraudConfirmedPayer => "fraud_confirmed.payer",
            Feed::FraudConfirmedPayee => "fraud_confirmed.payee",
            Feed::FraudConfirmedTerminal => "fraud_confirmed.terminal",
            Feed::OpeningRequestedAddress => "opening_requested.address",
            Feed::DeviceSeenCustomer => "device_seen.customer",
            Feed::LocationSeenCustomer => "location_seen.customer",
            Feed::VictimWarnedPayer => "victim_warned.payer",
            Feed::OpeningRequestedLegalRepresentative => "opening_requested.legal_representative",
            Feed::DeviceSaleAgent => "device_sale_reported.agent",
            Feed::DeviceSaleOutlet => "device_sale_reported.outlet",
            Feed::DeviceStockAgent => "device_stock_reported.agent",
            Feed::DeviceStockOutlet => "device_stock_reported.outlet",
            Feed::PassedOnPayee => "passed_on_received.payee",
            Feed::EssentialPosted => "essential_posted.account",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Feed> {
        Feed::ALL.into_iter().find(|feed| feed.name() == name)
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<Feed> {
        Feed::ALL.into_iter().find(|feed| *feed as u8 == code)
    }

    /// This feed's bit in a set of feeds.
    #[must_use]
    pub fn bit(self) -> u32 {
        1 << (self as u8)
    }
}
