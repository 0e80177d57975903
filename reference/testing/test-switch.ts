// A fault of the test server, and how it is put in the place of a part of the real one.

export interface Switch {
  /** What the server does wrong. */
  readonly about: string;
  /** Wraps parts of the server. Called once, before it starts. @param argument as it stands in the environment */
  plant(argument: string): void;
}

type Method<T, K extends keyof T> = Extract<T[K], (...args: never[]) => unknown>;

/** Puts a wrapper in the place of a method of a class. */
export function wrap<T extends object, K extends keyof T & string>(
  prototype: T,
  name: K,
  wrapper: (original: Method<T, K>, self: T, args: Parameters<Method<T, K>>) => ReturnType<Method<T, K>>,
): void {
  const original = prototype[name] as Method<T, K>;
  Object.defineProperty(prototype, name, {
    value(this: T, ...args: Parameters<Method<T, K>>) {
      return wrapper(original.bind(this as never) as Method<T, K>, this, args);
    },
  });
}
