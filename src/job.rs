//! Blocking work in libuv's pool. Its result settles a promise.

use crate::handle::Slot;
use crate::panic::{Panic, caught};
use crate::record::Record;
use crate::unfinished_files::Stage;
use holdfast_core::failpoint;
use holdfast_core::ops::append::Unsynced;
use holdfast_core::ops::lock::Lock;
use holdfast_core::ops::read::OpenFile;
use napi::bindgen_prelude::{
    Array, ArrayBuffer, AsyncTask, BufferSlice, External, Result, ToNapiValue, TypeName, sys,
};
use napi::{Env, Task, ValueType};
use std::sync::Arc;

/// The result of a job: a record, and data that belongs to it.
pub struct Reply {
    pub record: Record,
    pub extra: Extra,
}

/// Data that belongs to a record.
pub enum Extra {
    Nothing,
    /// Content that was read.
    Data(Vec<u8>),
    /// Content too large for a Buffer created here, where a lack of memory is an abort.
    Content(Vec<u8>),
    /// A file whose content is large enough to be read straight into a Buffer.
    Pending(OpenFile),
    /// One record for each of many items.
    Records(Vec<Record>),
    Root(Arc<holdfast_core::resolve::Root>),
    TempRoot(Arc<holdfast_core::ops::temp_root::TempRoot>),
    Stage(Stage),
    Lock(Arc<Slot<Lock>>),
    Unsynced(Unsynced),
}

impl Reply {
    /// Builds a reply of a record alone; errors are records as well.
    pub(crate) fn of(result: std::result::Result<Record, Record>) -> Self {
        Self {
            record: result.unwrap_or_else(|failure| failure),
            extra: Extra::Nothing,
        }
    }
}

impl Reply {
    /// Builds an internal error.
    pub(crate) fn failed(panic: &Panic) -> Self {
        Self::of(Err(Record::defect(panic)))
    }
}

impl TypeName for Reply {
    fn type_name() -> &'static str {
        "Array"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ToNapiValue for Reply {
    unsafe fn to_napi_value(env: sys::napi_env, reply: Self) -> Result<sys::napi_value> {
        let context = Env::from_raw(env);
        // The reply is converted to JavaScript in a frame of Node's that no panic may cross.
        let result = caught(|| {
            failpoint::hit("answer");
            reply.into_pair(&context)
        });
        let pair = result.unwrap_or_else(|panic| Self::failed(&panic).into_pair(&context))?;
        // SAFETY: `env` is the environment this conversion runs in, and the array was created in
        // it.
        unsafe { ToNapiValue::to_napi_value(env, pair) }
    }
}

impl Reply {
    /// Converts the reply to `[record, extra]`.
    fn into_pair(self, context: &Env) -> Result<Array<'_>> {
        let mut pair = context.create_array(2)?;
        pair.set(0, ArrayBuffer::copy_from(context, self.record.to_bytes())?)?;
        match self.extra {
            Extra::Nothing => {}
            Extra::Data(data) => pair.set(1, &BufferSlice::copy_from(context, data)?)?,
            Extra::Content(content) => pair.set(1, External::new(Slot::new(content)))?,
            Extra::Pending(file) => pair.set(1, External::new(Slot::new(file)))?,
            Extra::Records(records) => {
                let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
                let mut list = context.create_array(count)?;
                for (index, record) in (0..count).zip(&records) {
                    list.set(index, ArrayBuffer::copy_from(context, record.to_bytes())?)?;
                }
                pair.set(1, list)?;
            }
            Extra::TempRoot(temporary) => {
                pair.set(1, External::new(Arc::new(Slot::new(temporary))))?;
            }
            Extra::Root(root) => pair.set(1, External::new(Slot::new(root)))?,
            Extra::Stage(stage) => pair.set(1, External::new(stage))?,
            Extra::Lock(lock) => pair.set(1, External::new(lock))?,
            Extra::Unsynced(file) => pair.set(1, External::new(Slot::new(file)))?,
        }
        Ok(pair)
    }
}

/// One blocking call, run once.
pub struct Job(Option<Box<dyn FnOnce() -> Reply + Send>>);

impl Job {
    /// Queues a call. The call catches errors and panics itself, with [`crate::record::guarded`].
    pub(crate) fn queue(call: impl FnOnce() -> Reply + Send + 'static) -> AsyncTask<Self> {
        AsyncTask::new(Self(Some(Box::new(call))))
    }
}

impl Task for Job {
    type Output = Reply;
    type JsValue = Reply;

    fn compute(&mut self) -> Result<Reply> {
        match self.0.take() {
            Some(call) => {
                let result = caught(|| {
                    failpoint::hit("job");
                    call()
                });
                Ok(result.unwrap_or_else(|panic| Reply::failed(&panic)))
            }
            None => Err(napi::Error::from_reason("a job runs once")),
        }
    }

    fn resolve(&mut self, _: Env, reply: Reply) -> Result<Reply> {
        Ok(reply)
    }
}
