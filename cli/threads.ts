/**
 * Worker threads of this process, set before anything uses one: each statement of the embedded engine holds a thread
 * while it runs, and Node has four unless it is told otherwise. Imported first, for its effect.
 */
process.env.UV_THREADPOOL_SIZE ??= '16';

export {};
