// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "codec.h"
#include "err.h"

static void wire_codes_are_ours(void **state)
{
    (void)state;
    const ProtobufCEnumDescriptor *d = &kesu__v1__error_code__descriptor;
    for (unsigned i = 0; i < d->n_values; i++) {
        if (d->values[i].value == 0) continue;
        assert_string_equal(err_name(-d->values[i].value), d->values[i].name);
        assert_int_not_equal(err_disposition(-d->values[i].value), ERR_NONE);
    }
#define X(name, number, disposition, text) \
    if ((number) < 100) assert_non_null(protobuf_c_enum_descriptor_get_value(d, number));
    ERR_TABLE(X)
#undef X
}

static void names_and_texts(void **state)
{
    (void)state;
    assert_string_equal(err_name(0), "OK");
    assert_string_equal(err_name(E_IO), "E_IO");
    assert_string_equal(err_name(-99999), "E_?");
    assert_true(strlen(err_text(E_STALE)) > 0);
    assert_int_equal(err_disposition(E_STALE), ERR_STALE);
    assert_int_equal(err_disposition(E_NOT_DUE), ERR_RETRY);
    assert_int_equal(err_disposition(E_IO), ERR_NONE);
}

UNIT_MAIN(cmocka_unit_test(wire_codes_are_ours), cmocka_unit_test(names_and_texts))
