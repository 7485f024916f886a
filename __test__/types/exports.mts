// Every export, by name: a missing or a surplus name does not compile.
import * as holdfast from 'holdfast';
import type {
  AppendOptions,
  AppendResult,
  Lock,
  LockOptions,
  RootState,
  UpdateJsonOptions,
  UpdateJsonResult,
  UpdateOptions,
  Capabilities,
  CleanOptions,
  CommonOptions,
  Containment,
  Encoded,
  EnsureDirOptions,
  EnsureDirResult,
  Entry,
  ForeignEnsureDirOptions,
  ForeignReadOptions,
  ForeignWriteOptions,
  Hardening,
  HardeningReason,
  HoldfastErrorCategory,
  HoldfastErrorCode,
  HoldfastErrorFields,
  HoldfastErrorJSON,
  HoldfastErrorPublic,
  HoldfastOperationalCode,
  HoldfastPolicyCode,
  ListOptions,
  OpenResult,
  OutboundOptions,
  PathInput,
  PublicError,
  ReadFileOptions,
  ReadJsonOptions,
  ReadOptions,
  ReadResult,
  ReadTextOptions,
  ReadTextResult,
  Root,
  RootDefaults,
  RootChanges,
  RootReads,
  CopyInOptions,
  CopyOptions,
  CopyResult,
  LocatedPath,
  RemoveOptions,
  RemoveResult,
  RenameOptions,
  RenameResult,
  RootSet,
  TempRoot,
  TempRootOptions,
  StagedFile,
  StatOptions,
  SymlinkPolicy,
  SyncOptions,
  WalkEntry,
  WalkOptions,
  WithinRoot,
  WriteBytes,
  WriteData,
  WriteEntry,
  WriteJsonOptions,
  WriteOptions,
  WriteResult,
} from 'holdfast';
import { exactly, type Equal, type Fields } from './exact.mjs';

exactly<
  Equal<
    keyof typeof holdfast,
    | 'ensureDir'
    | 'ensureDirSync'
    | 'writeAtomic'
    | 'writeAtomicSync'
    | 'writeAtomicMany'
    | 'stageAtomic'
    | 'cleanStaleTemporaries'
    | 'readLocalFileSafely'
    | 'readLocalFileSafelySync'
    | 'openLocalFileSafely'
    | 'openRoot'
    | 'openRootSync'
    | 'openRoots'
    | 'openTempRoot'
    | 'UNCHANGED'
    | 'withLock'
    | 'acquireLock'
    | 'tryLock'
    | 'updateAtomic'
    | 'updateJson'
    | 'appendRecord'
    | 'appendRecordSync'
    | 'appendRecords'
    | 'appendRecordsSync'
    | 'appendJson'
    | 'appendJsonSync'
    | 'capabilities'
    | 'isHoldfastError'
    | 'isNotFound'
    | 'httpStatus'
    | 'toPublicError'
    | 'HoldfastError'
    | 'MEDIA_FILE_MODE'
    | 'PRIVATE_FILE_MODE'
    | 'PRIVATE_DIR_MODE'
  >
>();

exactly<Equal<typeof holdfast.MEDIA_FILE_MODE, 0o644>>();
exactly<Equal<typeof holdfast.PRIVATE_FILE_MODE, 0o600>>();
exactly<Equal<typeof holdfast.PRIVATE_DIR_MODE, 0o700>>();

exactly<Equal<PathInput, string | Buffer | URL>>();
exactly<Equal<SymlinkPolicy, 'reject' | 'follow-parents' | 'follow-within-root' | 'follow-trusted'>>();
exactly<Equal<Containment, 'kernel' | 'walk' | 'none'>>();
exactly<Equal<Hardening, 'created' | 'not-needed' | 'tightened' | 'tolerated' | 'left'>>();
exactly<
  Equal<
    HardeningReason,
    'EPERM' | 'EACCES' | 'EROFS' | 'ENOSYS' | 'ENOTSUP' | 'no-effect' | 'owner' | 'acl' | 'shared' | 'system' | 'opt-out'
  >
>();
exactly<Equal<WriteBytes, string | ArrayBufferView | ArrayBuffer>>();
exactly<Equal<WriteData, WriteBytes | AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>>>();

exactly<Equal<HoldfastErrorCategory, 'policy' | 'operational'>>();
exactly<Equal<HoldfastErrorCode, HoldfastPolicyCode | HoldfastOperationalCode>>();
exactly<
  Equal<
    HoldfastPolicyCode,
    | 'invalid-path'
    | 'outside-workspace'
    | 'symlink'
    | 'hardlink'
    | 'not-file'
    | 'not-directory'
    | 'device-path'
    | 'too-large'
    | 'invalid-text'
    | 'invalid-json'
    | 'torn-tail'
    | 'insecure-permissions'
    | 'not-owned'
    | 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE'
    | 'path-mismatch'
  >
>();
exactly<
  Equal<
    HoldfastOperationalCode,
    | 'not-found'
    | 'already-exists'
    | 'not-durable'
    | 'lock-timeout'
    | 'lock-lost'
    | 'conflict'
    | 'root-closed'
    | 'unsupported-platform'
    | 'native-unavailable'
    | 'internal'
  >
>();

// The fields of every options and result type; options.mts and results.mts test their types.
type Shared = 'root' | 'symlinks' | 'signal';
type ReadFields = Shared | 'maxBytes' | 'hardlinks' | 'pseudoFiles' | 'outbound' | Fields<ForeignReadOptions>;
exactly<Equal<Fields<CommonOptions>, Shared>>();
exactly<Equal<Fields<ReadFileOptions>, ReadFields>>();
exactly<Equal<Fields<ReadOptions>, ReadFields | 'filePath'>>();
exactly<Equal<Fields<OutboundOptions>, 'allowOwnerOnly'>>();
exactly<Equal<Fields<ForeignReadOptions>, 'flag' | 'encoding'>>();
exactly<Equal<Fields<ForeignWriteOptions>, 'flag' | 'flush' | 'fsync' | 'chown' | 'tmpfilePrefix'>>();
exactly<Equal<Fields<ForeignEnsureDirOptions>, 'recursive'>>();
exactly<
  Equal<
    Fields<WriteOptions>,
    | Shared
    | 'mode'
    | 'newFileMode'
    | 'overwrite'
    | 'finalSymlink'
    | 'durable'
    | 'mkdir'
    | 'dirMode'
    | 'hardlinks'
    | 'fallback'
    | 'encoding'
    | 'maxBytes'
    | Fields<ForeignWriteOptions>
  >
>();
exactly<Equal<Fields<CleanOptions>, 'olderThanMs'>>();
exactly<Equal<Fields<StagedFile>, 'tempPath' | 'handle' | 'commit' | 'abort' | typeof Symbol.asyncDispose>>();
exactly<Equal<Fields<EnsureDirOptions>, Shared | 'mode' | 'existing' | 'recursive'>>();
exactly<Equal<Fields<SyncOptions<EnsureDirOptions>>, 'signal' | 'root' | 'symlinks' | 'mode' | 'existing' | 'recursive'>>();
exactly<Equal<Fields<WithinRoot<EnsureDirOptions>>, 'symlinks' | 'signal' | 'mode' | 'existing' | 'recursive'>>();
exactly<
  Equal<
    Fields<RootDefaults>,
    | 'symlinks'
    | 'maxBytes'
    | 'hardlinks'
    | 'pseudoFiles'
    | 'outbound'
    | 'newFileMode'
    | 'finalSymlink'
    | 'durable'
    | 'mkdir'
    | 'dirMode'
    | 'existing'
  >
>();
exactly<Equal<Fields<ReadResult>, 'buffer' | 'realPath' | 'stat' | 'containment'>>();
exactly<Equal<Fields<ReadTextResult>, 'text' | 'realPath' | 'stat' | 'containment'>>();
exactly<Equal<Fields<Encoded<ReadFileOptions>>, ReadFields>>();
exactly<Equal<Fields<OpenResult>, 'handle' | 'realPath' | 'stat' | 'containment' | typeof Symbol.asyncDispose>>();
exactly<Equal<Fields<WriteEntry>, 'file' | 'data' | 'options'>>();
exactly<Equal<WriteEntry['data'], WriteBytes>>();
exactly<
  Equal<
    Fields<WriteResult>,
    'path' | 'created' | 'size' | 'mode' | 'dev' | 'ino' | 'method' | 'durable' | 'containment' | 'preserved'
  >
>();
exactly<
  Equal<
    Fields<EnsureDirResult>,
    'path' | 'firstCreated' | 'mode' | 'isPrivate' | 'hardening' | 'reason' | 'containment'
  >
>();
exactly<
  Equal<
    Fields<Root>,
    | 'path'
    | 'read'
    | 'readSync'
    | 'open'
    | 'writeAtomic'
    | 'writeAtomicSync'
    | 'writeAtomicMany'
    | 'ensureDir'
    | 'ensureDirSync'
    | keyof RootReads
    | keyof RootChanges
    | keyof RootState
    | 'close'
    | typeof Symbol.dispose
    | typeof Symbol.asyncDispose
  >
>();
exactly<
  Equal<
    Fields<RootState>,
    | 'withLock' | 'acquireLock' | 'tryLock' | 'updateAtomic' | 'updateJson'
    | 'appendRecord' | 'appendRecordSync' | 'appendRecords' | 'appendRecordsSync' | 'appendJson' | 'appendJsonSync'
  >
>();
exactly<Equal<Fields<Lock>, 'path' | 'lockFile' | 'shared' | 'scope' | 'release' | typeof Symbol.asyncDispose>>();
exactly<Equal<Fields<LockOptions>, keyof CommonOptions | 'shared' | 'timeoutMs' | 'lockDir' | 'lockMode'>>();
exactly<Equal<Fields<UpdateJsonOptions<1>>, Exclude<keyof UpdateOptions, 'encoding'> | 'ifMissing'>>();
exactly<Equal<Fields<UpdateJsonResult<1>>, 'value' | 'changed' | 'write'>>();
exactly<Equal<Fields<AppendOptions>, Exclude<keyof LockOptions, 'shared'> | 'newFileMode' | 'durable' | 'onTornTail' | 'maxFileBytes' | 'mkdir' | 'dirMode'>>();
exactly<Equal<Fields<AppendResult>, 'path' | 'offset' | 'size' | 'created' | 'isolated' | 'rotated' | 'durable' | 'containment'>>();
exactly<
  Equal<Fields<RootChanges>, 'rename' | 'renameSync' | 'remove' | 'removeSync' | 'copy' | 'copySync' | 'copyIn' | 'copyInSync'>
>();
exactly<Equal<Fields<RenameOptions>, 'toRoot' | 'overwrite' | 'durable' | 'mkdir'>>();
exactly<Equal<Fields<RenameResult>, 'path' | 'same' | 'durable' | 'containment'>>();
exactly<
  Equal<Fields<RemoveOptions>, 'recursive' | 'missing' | 'maxEntries' | 'durable' | 'signal' | 'force' | 'maxRetries' | 'retryDelay'>
>();
exactly<Equal<Fields<RemoveResult>, 'removed'>>();
exactly<Equal<Fields<CopyInOptions>, 'overwrite' | 'mode' | 'maxBytes' | 'durable' | 'signal'>>();
exactly<Equal<Fields<CopyOptions>, keyof CopyInOptions | 'toRoot' | 'recursive' | 'maxEntries' | 'force' | 'dereference'>>();
exactly<Equal<Fields<CopyResult>, 'path' | 'copied' | 'size' | 'durable' | 'containment'>>();
exactly<Equal<Fields<LocatedPath>, 'root' | 'path'>>();
exactly<
  Equal<Fields<RootSet>, 'roots' | 'locate' | 'replace' | 'close' | typeof Symbol.dispose | typeof Symbol.asyncDispose>
>();
exactly<Equal<Fields<TempRoot>, 'root' | 'path' | 'remove' | typeof Symbol.asyncDispose>>();
exactly<Equal<Fields<TempRootOptions>, 'parent' | 'prefix'>>();
exactly<
  Equal<
    Fields<RootReads>,
    'stat' | 'statSync' | 'lstat' | 'lstatSync' | 'exists' | 'existsSync' | 'readlink' | 'readlinkSync' | 'list' | 'listSync' | 'walk' | 'readText' | 'readTextSync' | 'readJson' | 'readJsonSync' | 'writeJson' | 'writeJsonSync'
    | 'openRoot' | 'openRootSync' | 'stage' | 'cleanStaleTemporaries'
  >
>();
exactly<Equal<Fields<ReadTextOptions>, Exclude<keyof ReadFileOptions, 'root' | 'encoding'> | 'invalid'>>();
exactly<Equal<Fields<ReadJsonOptions>, Exclude<keyof ReadFileOptions, 'root' | 'encoding'> | 'ifMissing'>>();
exactly<Equal<Fields<WriteJsonOptions>, Exclude<keyof WriteOptions, 'root' | 'encoding'> | 'space'>>();
exactly<Equal<Fields<StatOptions>, 'symlinks' | 'signal'>>();
exactly<Equal<Fields<ListOptions>, 'symlinks' | 'signal' | 'stat' | 'maxEntries'>>();
exactly<Equal<Fields<WalkOptions>, 'symlinks' | 'signal' | 'stat' | 'maxDepth' | 'maxEntries' | 'filter' | 'onError'>>();
type DirentMethods = 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket' | 'isCharacterDevice' | 'isBlockDevice';
exactly<Equal<Fields<Entry>, 'name' | 'parentPath' | 'rawName' | 'stat' | DirentMethods>>();
exactly<Equal<Fields<WalkEntry>, keyof Entry | 'path' | 'rawPath' | 'depth'>>();
exactly<
  Equal<
    Fields<Capabilities>,
    'version' | 'platform' | 'arch' | 'resolver' | 'openat2' | 'renameNoReplace' | 'fchmodat2' | 'statx' | 'tmpfile' | 'native'
  >
>();
exactly<
  Equal<
    Fields<HoldfastErrorJSON>,
    | 'name'
    | 'code'
    | 'category'
    | 'message'
    | 'path'
    | 'errno'
    | 'syscall'
    | 'sysCode'
    | 'mode'
    | 'uid'
    | 'euid'
    | 'remedy'
    | 'temporary'
    | 'published'
    | 'size'
    | 'holder'
    | 'limit'
    | 'removed'
    | 'copied'
    | 'torn'
  >
>();
exactly<Equal<Fields<HoldfastErrorPublic>, 'code' | 'category' | 'message' | 'remedy'>>();
exactly<Equal<Fields<PublicError>, 'code' | 'category' | 'message' | 'remedy'>>();
exactly<
  Equal<
    Fields<HoldfastErrorFields>,
    'message' | 'path' | 'errno' | 'syscall' | 'sysCode' | 'mode' | 'uid' | 'euid' | 'remedy' | 'temporary' | 'published' | 'holder' | 'size' | 'limit' | 'removed' | 'copied' | 'torn' | 'cause'
  >
>();
