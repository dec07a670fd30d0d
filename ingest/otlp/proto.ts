/**
 * The messages of OTLP that are read and written, with the field numbers of opentelemetry-proto 1.x
 * (`opentelemetry/proto/{common,resource,trace,logs}/v1`, `collector/{trace,logs}/v1`) and `google.rpc.Status`. Fields
 * that nobody here reads are left out: a decoder skips them.
 */
import protobuf from 'protobufjs';

const field = (id: number, type: string) => ({ id, type });
const list = (id: number, type: string) => ({ id, type, rule: 'repeated' as const });

const root = protobuf.Root.fromJSON({
  nested: {
    AnyValue: {
      oneofs: {
        value: {
          oneof: ['stringValue', 'boolValue', 'intValue', 'doubleValue', 'arrayValue', 'kvlistValue', 'bytesValue'],
        },
      },
      fields: {
        stringValue: field(1, 'string'),
        boolValue: field(2, 'bool'),
        intValue: field(3, 'int64'),
        doubleValue: field(4, 'double'),
        arrayValue: field(5, 'ArrayValue'),
        kvlistValue: field(6, 'KeyValueList'),
        bytesValue: field(7, 'bytes'),
      },
    },
    ArrayValue: { fields: { values: list(1, 'AnyValue') } },
    KeyValueList: { fields: { values: list(1, 'KeyValue') } },
    KeyValue: { fields: { key: field(1, 'string'), value: field(2, 'AnyValue') } },
    InstrumentationScope: { fields: { name: field(1, 'string'), version: field(2, 'string') } },
    Resource: { fields: { attributes: list(1, 'KeyValue') } },
    Status: { fields: { message: field(2, 'string'), code: field(3, 'int32') } },
    Span: {
      fields: {
        traceId: field(1, 'bytes'),
        spanId: field(2, 'bytes'),
        parentSpanId: field(4, 'bytes'),
        name: field(5, 'string'),
        kind: field(6, 'int32'),
        startTimeUnixNano: field(7, 'fixed64'),
        endTimeUnixNano: field(8, 'fixed64'),
        attributes: list(9, 'KeyValue'),
        status: field(15, 'Status'),
      },
    },
    LogRecord: {
      fields: {
        timeUnixNano: field(1, 'fixed64'),
        body: field(5, 'AnyValue'),
        attributes: list(6, 'KeyValue'),
        traceId: field(9, 'bytes'),
        spanId: field(10, 'bytes'),
        observedTimeUnixNano: field(11, 'fixed64'),
        eventName: field(12, 'string'),
      },
    },
    ScopeSpans: { fields: { scope: field(1, 'InstrumentationScope'), spans: list(2, 'Span') } },
    ResourceSpans: { fields: { resource: field(1, 'Resource'), scopeSpans: list(2, 'ScopeSpans') } },
    ScopeLogs: { fields: { scope: field(1, 'InstrumentationScope'), logRecords: list(2, 'LogRecord') } },
    ResourceLogs: { fields: { resource: field(1, 'Resource'), scopeLogs: list(2, 'ScopeLogs') } },
    TracesRequest: { fields: { resourceSpans: list(1, 'ResourceSpans') } },
    LogsRequest: { fields: { resourceLogs: list(1, 'ResourceLogs') } },
    PartialSuccess: { fields: { rejected: field(1, 'int64'), errorMessage: field(2, 'string') } },
    ExportResponse: { fields: { partialSuccess: field(1, 'PartialSuccess') } },
    RpcStatus: { fields: { code: field(1, 'int32'), message: field(2, 'string') } },
  },
});

export const TRACES_REQUEST = root.lookupType('TracesRequest');
export const LOGS_REQUEST = root.lookupType('LogsRequest');
export const EXPORT_RESPONSE = root.lookupType('ExportResponse');
export const RPC_STATUS = root.lookupType('RpcStatus');

/** A request as plain objects, in the form that its JSON encoding has, but for ids and bytes, which are buffers. */
export function decodeRequest(type: protobuf.Type, bytes: Uint8Array): Record<string, unknown> {
  return type.toObject(type.decode(bytes), { longs: String, bytes: Buffer, arrays: false });
}

export function encodeMessage(type: protobuf.Type, message: Record<string, unknown>): Uint8Array {
  return type.encode(type.fromObject(message)).finish();
}
