/** Fields of configuration files, as their schemas are written. */
import Type, { type TProperties } from 'typebox';

/** Of which every field has a default, so that all of it may be left out. */
export const section = <T extends TProperties>(properties: T, description: string) =>
  Type.Object(properties, { additionalProperties: false, description, default: {} });
/** That has to be given. */
export const required = <T extends TProperties>(properties: T, description: string) =>
  Type.Object(properties, { additionalProperties: false, description });
export const choice = <const T extends readonly string[]>(
  values: T,
  options: { description: string; default?: T[number] },
) => Type.Unsafe<T[number]>(Type.Enum([...values], options));
export const count = (description: string, value?: number, minimum = 1) =>
  Type.Integer({
    minimum,
    maximum: 1_000_000_000,
    description,
    ...(value === undefined ? {} : { default: value }),
  });
export const fraction = (description: string, value: number) =>
  Type.Number({ minimum: 0, maximum: 1, description, default: value });
export const path = (description: string) => Type.String({ minLength: 1, description });
