//! What the brokers allow this client on a topic or a group (KIP-430). The crate has no call for it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString, c_char};
use std::time::Duration;

use rdkafka::bindings as native;
use rdkafka::types::RDKafkaRespErr;

use crate::log::LogError;

/// What may be done with a topic or a group, as far as this program does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Read,
    Write,
    Describe,
    DescribeConfigs,
}

impl Operation {
    /// As Kafka's own tools write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Operation::Read => "Read",
            Operation::Write => "Write",
            Operation::Describe => "Describe",
            Operation::DescribeConfigs => "DescribeConfigs",
        }
    }
}

/// What is allowed on each thing asked for, by its name; `Err` with the broker's word where it tells nothing.
pub type Allowed = BTreeMap<String, Result<BTreeSet<Operation>, String>>;

/// Of topics.
pub(super) fn on_topics(
    client: *mut native::rd_kafka_t,
    names: &[&str],
    wait_max: Duration,
) -> Result<Allowed, LogError> {
    let names = Names::of(names)?;
    // SAFETY: `client` is borrowed for the whole call by the caller. The collection copies the names and is
    // destroyed once asked. The result belongs to the event, which outlives every use of it in `ask`.
    unsafe {
        let collection =
            native::rd_kafka_TopicCollection_of_topic_names(names.pointers().as_mut_ptr(), names.0.len());
        let operation = native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let asked = ask(
            client,
            operation,
            wait_max,
            |options, queue| native::rd_kafka_DescribeTopics(client, collection, options, queue),
            |event| {
                let result = native::rd_kafka_event_DescribeTopics_result(event);
                let mut count = 0;
                let topics = native::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
                let one = |at: usize| {
                    let topic = *topics.add(at);
                    let mut operations = 0;
                    let list =
                        native::rd_kafka_TopicDescription_authorized_operations(topic, &raw mut operations);
                    let name = text(native::rd_kafka_TopicDescription_name(topic));
                    (name, read(native::rd_kafka_TopicDescription_error(topic), list, operations))
                };
                (0..count).map(one).collect()
            },
        );
        native::rd_kafka_TopicCollection_destroy(collection);
        asked
    }
}

/// Of consumer groups.
pub(super) fn on_groups(
    client: *mut native::rd_kafka_t,
    names: &[&str],
    wait_max: Duration,
) -> Result<Allowed, LogError> {
    let names = Names::of(names)?;
    let operation = native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;
    // SAFETY: as in `on_topics`; the names are copied by the call.
    unsafe {
        ask(
            client,
            operation,
            wait_max,
            |options, queue| {
                let mut pointers = names.pointers();
                native::rd_kafka_DescribeConsumerGroups(
                    client,
                    pointers.as_mut_ptr(),
                    pointers.len(),
                    options,
                    queue,
                );
            },
            |event| {
                let result = native::rd_kafka_event_DescribeConsumerGroups_result(event);
                let mut count = 0;
                let groups = native::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
                let one = |at: usize| {
                    let group = *groups.add(at);
                    let mut operations = 0;
                    let list = native::rd_kafka_ConsumerGroupDescription_authorized_operations(
                        group,
                        &raw mut operations,
                    );
                    let name = text(native::rd_kafka_ConsumerGroupDescription_group_id(group));
                    (name, read(native::rd_kafka_ConsumerGroupDescription_error(group), list, operations))
                };
                (0..count).map(one).collect()
            },
        )
    }
}

struct Names(Vec<CString>);

impl Names {
    fn of(names: &[&str]) -> Result<Names, LogError> {
        let named = names.iter().map(|name| CString::new(*name)).collect::<Result<_, _>>();
        named.map(Names).map_err(|error| LogError::Refused(error.to_string()))
    }

    fn pointers(&self) -> Vec<*const c_char> {
        self.0.iter().map(|name| name.as_ptr()).collect()
    }
}

/// Puts one question with authorised operations to the brokers and reads its answer.
///
/// # Safety
/// `client` is a live client; `put` puts exactly one question of kind `operation` on the queue it is given;
/// `answer` reads results of that kind and keeps nothing of the event.
unsafe fn ask(
    client: *mut native::rd_kafka_t,
    operation: native::rd_kafka_admin_op_t,
    wait_max: Duration,
    put: impl FnOnce(*const native::rd_kafka_AdminOptions_t, *mut native::rd_kafka_queue_t),
    answer: impl FnOnce(*mut native::rd_kafka_event_t) -> Allowed,
) -> Result<Allowed, LogError> {
    let wait_ms = i32::try_from(wait_max.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: options, queue and event are made here, used while they live, and destroyed once.
    unsafe {
        let options = native::rd_kafka_AdminOptions_new(client, operation);
        let failed = native::rd_kafka_AdminOptions_set_include_authorized_operations(options, 1);
        if !failed.is_null() {
            native::rd_kafka_error_destroy(failed);
        }
        native::rd_kafka_AdminOptions_set_request_timeout(options, wait_ms, std::ptr::null_mut(), 0);
        let queue = native::rd_kafka_queue_new(client);
        put(options, queue);
        // A little longer than the question itself may take.
        let event = native::rd_kafka_queue_poll(queue, wait_ms.saturating_add(1_000));
        let answered = if event.is_null() {
            Err(LogError::Unreachable("no answer about what is allowed here".to_owned()))
        } else if native::rd_kafka_event_error(event) != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            Err(LogError::Unreachable(text(native::rd_kafka_event_error_string(event))))
        } else {
            Ok(answer(event))
        };
        if !event.is_null() {
            native::rd_kafka_event_destroy(event);
        }
        native::rd_kafka_queue_destroy(queue);
        native::rd_kafka_AdminOptions_destroy(options);
        answered
    }
}

/// # Safety
/// `error` is null or a live error; `list` holds `count` operations, or is null.
unsafe fn read(
    error: *const native::rd_kafka_error_t,
    list: *const native::rd_kafka_AclOperation_t,
    count: usize,
) -> Result<BTreeSet<Operation>, String> {
    use native::rd_kafka_AclOperation_t as Native;
    // SAFETY: by the contract of this function; a null error has no code to be asked for.
    unsafe {
        if !error.is_null()
            && native::rd_kafka_error_code(error) != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
        {
            return Err(text(native::rd_kafka_error_string(error)));
        }
        let listed = if list.is_null() { &[] } else { std::slice::from_raw_parts(list, count) };
        let known = |operation: &Native| match operation {
            Native::RD_KAFKA_ACL_OPERATION_READ => Some(Operation::Read),
            Native::RD_KAFKA_ACL_OPERATION_WRITE => Some(Operation::Write),
            Native::RD_KAFKA_ACL_OPERATION_DESCRIBE => Some(Operation::Describe),
            Native::RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS => Some(Operation::DescribeConfigs),
            _ => None,
        };
        Ok(listed.iter().filter_map(known).collect())
    }
}

/// # Safety
/// `pointer` is null or a C string.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: by the contract of this function.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}
