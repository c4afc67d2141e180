package admin

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
)

// object is a piece of the OpenAPI document.
type object = map[string]any

// schemas makes JSON schemas of the types that the routes answer with, so that the
// document says what encoding/json does.
type schemas struct {
	made map[string]object
}

var timeType = reflect.TypeFor[time.Time]()

// of is the schema of a value's type. What is sent may leave every field out; an answer
// has all that have no omitempty.
func (s *schemas) of(v any, sent bool) object { return s.typed(reflect.TypeOf(v), sent) }

func (s *schemas) typed(t reflect.Type, sent bool) object {
	if t == timeType {
		return object{"type": "string", "format": "date-time"}
	}
	if words := enums()[t.String()]; words != nil && !sent {
		return object{"type": "string", "enum": words}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.typed(t.Elem(), sent)
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": s.typed(t.Elem(), sent)}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.typed(t.Elem(), sent)}
	case reflect.Struct:
		return s.structure(t, sent)
	}
	return object{}
}

// marshaler is what writes itself.
var marshaler = reflect.TypeFor[json.Marshaler]()

func (s *schemas) structure(t reflect.Type, sent bool) object {
	if t.Implements(marshaler) {
		return object{}
	}
	name := t.Name()
	ref := object{"$ref": "#/components/schemas/" + name}
	if s.made[name] != nil {
		return ref
	}
	made := object{"type": "object", "additionalProperties": false}
	s.made[name] = made
	properties, required := object{}, []string{}
	s.fields(t, sent, properties, &required)
	made["properties"] = properties
	if len(required) > 0 && !sent {
		slices.Sort(required)
		made["required"] = required
	}
	return ref
}

func (s *schemas) fields(t reflect.Type, sent bool, into object, required *[]string) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			s.fields(f.Type, sent, into, required)
			continue
		case !f.IsExported() || name == "-":
			continue
		case name == "":
			name = f.Name
		}
		schema := s.typed(f.Type, sent)
		optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		if kind := f.Type.Kind(); !optional && !sent && (kind == reflect.Slice || kind == reflect.Map || kind == reflect.Pointer) {
			schema = orNull(schema)
		}
		if into[name] = schema; !optional {
			*required = append(*required, name)
		}
	}
}

// orNull is a schema that null fits, too.
func orNull(schema object) object {
	if kind, ok := schema["type"].(string); ok {
		schema["type"] = []string{kind, "null"}
		return schema
	}
	return object{"anyOf": []object{schema, {"type": "null"}}}
}
