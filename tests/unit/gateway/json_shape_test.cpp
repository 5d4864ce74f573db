#include "gateway/json_shape.hpp"

#include "tocsin/drafting/v1/drafting_service.pb.h"

#include <gtest/gtest.h>

namespace tocsin::gateway {
namespace {

std::string fault(std::string_view text) {
    const auto found = shape_fault(text, drafting::v1::CreateMessageRequest::descriptor());
    return found ? found->field + ": " + found->what : "";
}

TEST(JsonShape, AFieldUnderBothItsNamesIsNamed) {
    EXPECT_EQ(fault(R"({"request_id":"a","requestId":"b"})"),
              "request_id: given twice, as request_id and as requestId");
    EXPECT_EQ(fault(R"({"draft":{"texts":[{},{"channel_texts":[],"channelTexts":[]}]}})"),
              "draft.texts[1].channel_texts: given twice, as channel_texts and as channelTexts");
}

TEST(JsonShape, AListIsNotALoneValue) {
    EXPECT_EQ(fault(R"({"draft":{"agencies":"city"}})"), "draft.agencies: a list is expected");
    EXPECT_EQ(fault(R"({"draft":{"texts":{"language":"fr-CA"}}})"),
              "draft.texts: a list is expected");
}

TEST(JsonShape, AListHoldsNoNull) {
    EXPECT_EQ(fault(R"({"draft":{"agencies":["city",null]}})"),
              "draft.agencies[1]: null stands for nothing in a list");
    EXPECT_EQ(fault(R"({"draft":{"texts":[null]}})"),
              "draft.texts[0]: null stands for nothing in a list");
}

TEST(JsonShape, GoodFormsPass) {
    // Keys of a map are not names of fields.
    EXPECT_EQ(fault(R"({"values":{"a_b":"1","aB":"2"}})"), "");
    EXPECT_EQ(fault(R"({"draft":{"agencies":null,"expires":"2026-06-20T00:00:00Z"}})"), "");
    EXPECT_EQ(fault(R"({"request_id":"a","draft":{"texts":[{"language":"fr-CA"}]}})"), "");
}

}  // namespace
}  // namespace tocsin::gateway
