"""A Price List API that answers from products in memory."""

import json


class FakePricing:
    """Answers GetProducts with the products of the service that are in the region and have the attributes asked for."""

    def __init__(self, products):
        self.products = products
        self.asked = []

    def get_products(self, **request):
        self.asked.append(request)
        wanted = {item["Field"]: item["Value"] for item in request["Filters"]}
        found = [
            json.dumps(document)
            for document in self.products[request["ServiceCode"]]
            if wanted.items() <= document["product"]["attributes"].items()
        ]
        start = int(request.get("NextToken", 0))
        more = {"NextToken": str(start + 2)} if start + 2 < len(found) else {}
        return {"PriceList": found[start : start + 2], "FormatVersion": "aws_v1", **more}
