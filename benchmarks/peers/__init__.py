"""What a good engineer would write from the documents of AWS and Powertools for AWS Lambda.

They are correct, which tests show, and written to be read; they have no part in the library.
"""
